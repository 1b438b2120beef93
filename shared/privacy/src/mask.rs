//! Masks: the shape of a value without the value.

/// Longest mask, in characters; a longer value ends in an ellipsis.
const LONGEST: usize = 32;

/// Letters become `x` or `X`, digits `9`; punctuation and blanks stay, so that a reader sees that a date has slashes.
pub fn mask(value: &str) -> String {
    let mut masked = String::with_capacity(value.len().min(LONGEST));
    for (position, character) in value.chars().enumerate() {
        if position == LONGEST {
            masked.push('…');
            break;
        }
        masked.push(match character {
            character if character.is_ascii_punctuation() || character == ' ' => character,
            character if character.is_numeric() => '9',
            character if character.is_uppercase() => 'X',
            _ => 'x',
        });
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_stays_and_the_value_goes() {
        assert_eq!(mask("P100001"), "X999999");
        assert_eq!(mask("31/12/2024"), "99/99/9999");
        assert_eq!(mask("Zoë 5"), "Xxx 9");
    }

    proptest::proptest! {
        #[test]
        fn no_letter_or_digit_survives(value in "\\PC{0,80}") {
            let masked = mask(&value);
            proptest::prop_assert!(masked.chars().all(|c| "xX9 …".contains(c) || c.is_ascii_punctuation()));
            proptest::prop_assert!(masked.chars().count() <= LONGEST + 1);
        }
    }
}
