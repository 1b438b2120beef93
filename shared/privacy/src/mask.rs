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

/// The text of another program's error without what may be data: what stands in single quotes, and runs of three or
/// more digits.
pub fn redact(text: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut quoted = false;
    let mut digits = String::new();
    for character in text.chars() {
        if character == '\'' {
            flush(&mut digits, &mut redacted);
            redacted.push_str(if quoted { "…'" } else { "'" });
            quoted = !quoted;
        } else if quoted {
        } else if character.is_ascii_digit() {
            digits.push(character);
        } else {
            flush(&mut digits, &mut redacted);
            redacted.push(character);
        }
    }
    flush(&mut digits, &mut redacted);
    redacted
}

fn flush(digits: &mut String, into: &mut String) {
    into.push_str(if digits.len() < 3 { digits } else { "…" });
    digits.clear();
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

    #[test]
    fn an_error_text_keeps_its_words_and_loses_its_values() {
        let text = "Cast error: Cannot cast string 'Ann O 1' to value of Int64 type, 19800101 at row 12";
        assert_eq!(redact(text), "Cast error: Cannot cast string '…' to value of Int64 type, … at row 12");
        assert_eq!(redact("an open 'quote"), "an open '");
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
