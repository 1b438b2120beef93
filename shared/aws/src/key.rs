//! Object keys as S3 events write them.

/// Why a key cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotText;

/// The key of an S3 notification, decoded: it is form-encoded, `+` stands for a space and `%2B` for a plus. A `%` that
/// begins no escape stands for itself. (Events of EventBridge carry keys as they are; those are not to be decoded.)
///
/// # Errors
/// When the bytes are not UTF-8, which no key of S3 is.
pub fn decode(encoded: &str) -> Result<String, NotText> {
    let bytes = encoded.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        let escape = (*first == b'%').then(|| escaped(after)).flatten();
        decoded.push(match (escape, *first) {
            (Some(byte), _) => byte,
            (None, b'+') => b' ',
            (None, other) => other,
        });
        let taken = if escape.is_some() { 2 } else { 0 };
        rest = after.get(taken..).unwrap_or_default();
    }
    String::from_utf8(decoded).map_err(|_| NotText)
}

fn escaped(after: &[u8]) -> Option<u8> {
    let digit = |place: usize| char::from(*after.get(place)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Encodes as S3 does.
    fn encode(key: &str) -> String {
        let one = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => char::from(byte).to_string(),
            b' ' => "+".to_owned(),
            other => format!("%{other:02X}"),
        };
        key.bytes().map(one).collect()
    }

    #[test]
    fn a_plus_is_a_space_and_an_escaped_plus_is_a_plus() {
        assert_eq!(decode("this+im+%2B+age+blah.txt").unwrap(), "this im + age blah.txt");
        assert_eq!(decode("a%252Bb").unwrap(), "a%2Bb");
        assert_eq!(decode("source%3Dx/na%C3%AFve%E2%80%94%F0%9F%98%80.csv").unwrap(), "source=x/naïve—😀.csv");
        assert_eq!(decode("nai%CC%88ve").unwrap(), "nai\u{308}ve", "no form of unicode is put in the place of another");
    }

    #[test]
    fn a_percent_sign_that_escapes_nothing_stands_for_itself() {
        for key in ["100%", "100%2", "%zz", "%%", "%+"] {
            assert_eq!(decode(key).unwrap(), key.replace('+', " "));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert_eq!(decode("%FF%FE"), Err(NotText));
    }

    proptest! {
        #[test]
        fn decoding_undoes_what_s3_does_to_any_key(key in "\\PC{0,300}") {
            prop_assert_eq!(decode(&encode(&key)).unwrap(), key);
        }

        #[test]
        fn any_text_is_decoded_or_refused(text in any::<String>()) {
            let _ = decode(&text);
        }
    }
}
