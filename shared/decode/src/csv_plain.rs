//! Splitting the records that most CSV files are made of, eight bytes at a time, where they stand.

/// Start and end of a field, in bytes of its record.
pub type Place = (usize, usize);

/// What stands at the head of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// A record: the length of its text, and with the line end.
    Record { text: usize, all: usize },
    /// A record that goes on after these bytes, or may.
    CutShort,
    /// Something for a parser of all that CSV may be: an empty line, a quote that is no simple one.
    Other,
}

/// A byte in every place of a word.
const fn all(byte: u8) -> u64 {
    0x0101_0101_0101_0101 * byte as u64
}

/// Splits the record at the head of `bytes`; its fields stand where `places` says. The first byte must be that of a record.
pub fn split(bytes: &[u8], places: &mut Vec<Place>) -> Split {
    places.clear();
    if matches!(bytes.first(), Some(b'\n' | b'\r')) {
        return Split::Other;
    }
    let (mut start, mut at) = (0, 0);
    'words: while let Some(word) = word(bytes, at) {
        let mut marks = marks(word);
        while marks != 0 {
            let place = at + (marks.trailing_zeros() / 8) as usize;
            marks &= marks - 1;
            match bytes.get(place) {
                Some(b',') => {
                    places.push((start, place));
                    start = place + 1;
                }
                Some(b'\n' | b'\r') => {
                    places.push((start, place));
                    return ended(bytes, place);
                }
                Some(b'"') if place == start => {
                    let Some(end) = bytes.get(start + 1..).and_then(|rest| memchr::memchr(b'"', rest)) else {
                        return Split::CutShort;
                    };
                    let end = start + 1 + end;
                    places.push((start + 1, end));
                    match bytes.get(end + 1) {
                        Some(b',') => (start, at) = (end + 2, end + 2),
                        Some(b'\n' | b'\r') => return ended(bytes, end + 1),
                        Some(_) => return Split::Other,
                        None => return Split::CutShort,
                    }
                    continue 'words;
                }
                _ => {}
            }
        }
        at += 8;
    }
    Split::CutShort
}

/// The record whose line end begins at `place`.
fn ended(bytes: &[u8], place: usize) -> Split {
    match (bytes.get(place), bytes.get(place + 1)) {
        (Some(b'\r'), None) => Split::CutShort,
        (Some(b'\r'), Some(b'\n')) => Split::Record { text: place, all: place + 2 },
        _ => Split::Record { text: place, all: place + 1 },
    }
}

/// Eight bytes, the first one lowest; past the end stands what is no mark.
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let rest = bytes.get(at..)?;
    if let Some(whole) = rest.first_chunk() {
        return Some(u64::from_le_bytes(*whole));
    }
    let last = rest.iter().rev().fold(u64::MAX, |word, byte| (word << 8) | u64::from(*byte));
    (!rest.is_empty()).then_some(last)
}

/// The high bit of each byte that may be a comma, a quote or a line end: all are below the hyphen. Of other bytes some
/// are marked too, of these none is left out.
fn marks(word: u64) -> u64 {
    word.wrapping_sub(all(b'-')) & !word & all(0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> (Split, Vec<&str>) {
        let mut places = Vec::new();
        let split = split(text.as_bytes(), &mut places);
        (split, places.iter().filter_map(|(start, end)| text.get(*start..*end)).collect())
    }

    #[test]
    fn fields_are_found_at_every_distance_from_the_edges_of_words() {
        for length in 0..20 {
            let (long, end) = ("x-\u{e9}y".repeat(length), length * 5);
            let text = format!("{long},\"{long}\",,{long}\r\nnext");
            let (split, found) = fields(&text);
            assert_eq!(split, Split::Record { text: 3 * end + 5, all: 3 * end + 7 });
            assert_eq!(found, [long.as_str(), &long, "", &long]);
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_parser() {
        for text in ["\n", "\r\n", "\"a\"\"b\"\n", "a,\"b\"c\n"] {
            assert_eq!(fields(text).0, Split::Other, "{text:?}");
        }
        for text in ["", "a", "a,b", "a,\"b", "a,\"b\"", "a,\"b\nc,d", "a\r", "\"a\"\r"] {
            assert_eq!(fields(text).0, Split::CutShort, "{text:?}");
        }
        assert_eq!(fields("a\"b\",c\nd").1, ["a\"b\"", "c"]);
        assert_eq!(fields("a\rb").0, Split::Record { text: 1, all: 2 });
    }
}
