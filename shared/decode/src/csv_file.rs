//! CSV, by header name.

use std::collections::HashMap;
use std::io::BufRead;

use carelake_contracts::Contract;

use super::cells::Cells;
use super::csv_records::{Fields, Next, Records};
use super::{DecodeError, Header, Sink, presentable};

const BOM: char = '\u{feff}';

/// Reads a file, or a header and some of the records below it, of which `before` stand above those.
pub fn decode(
    reader: Box<dyn BufRead>,
    contract: &Contract,
    before: i64,
    sink: &mut Sink<'_>,
) -> Result<Header, DecodeError> {
    let mut records = Records::new(reader);
    let mut layout = Layout::read(&mut records, contract)?;
    let mut cells = Cells::new(contract);
    let mut row = before;
    loop {
        let next = records.next()?;
        if next == Next::End {
            break;
        }
        row += 1;
        if next == Next::TooLarge {
            cells.damage(row, ".row.size");
        } else if records.width() != layout.width {
            cells.damage(row, ".row.shape");
        } else if let Some(fields) = records.text() {
            let extra = layout.extra.object(fields);
            let places = &layout.places;
            cells.push(row, extra, |column| fields.get(places.get(column).copied().flatten()?));
        } else {
            cells.damage(row, ".row.encoding");
        }
        if cells.full() {
            sink(cells.take()).map_err(DecodeError::Sink)?;
        }
    }
    sink(cells.take()).map_err(DecodeError::Sink)?;
    Ok(layout.header)
}

/// Reads the header alone, and sees whether it is one of the contract.
pub fn header(records: &mut Records, contract: &Contract) -> Result<(), DecodeError> {
    Layout::read(records, contract).map(drop)
}

/// Where the contract's columns stand in the file.
struct Layout {
    width: usize,
    places: Vec<Option<usize>>,
    extra: Extra,
    header: Header,
}

impl Layout {
    fn read(records: &mut Records, contract: &Contract) -> Result<Self, DecodeError> {
        match records.next()? {
            Next::Record => {}
            Next::TooLarge => return Err(DecodeError::Unreadable("the header is longer than a record may be")),
            Next::End => return Err(DecodeError::Unreadable("the file is empty: it does not even have a header")),
        }
        let header = records.text().ok_or(DecodeError::Unreadable("the header is not UTF-8 text"))?;
        Self::new(header, contract)
    }

    fn new(first: Fields<'_>, contract: &Contract) -> Result<Self, DecodeError> {
        let names: Vec<&str> = first.iter().map(|name| name.trim_start_matches(BOM).trim()).collect();
        let mut taken = vec![false; names.len()];
        let mut places = Vec::with_capacity(contract.columns.len());
        for column in &contract.columns {
            let place = column.headers.iter().find_map(|wanted| {
                let same = |(index, name): &(usize, &&str)| {
                    name.eq_ignore_ascii_case(wanted) && !taken.get(*index).copied().unwrap_or(true)
                };
                names.iter().enumerate().find(same).map(|(index, _)| index)
            });
            if let Some(slot) = place.and_then(|index| taken.get_mut(index)) {
                *slot = true;
            }
            places.push(place);
        }
        if places.iter().all(Option::is_none) {
            return Err(DecodeError::Unreadable("the first line has none of the contract's column names"));
        }
        let unknown: Vec<(usize, &str)> =
            names.into_iter().enumerate().filter(|(index, _)| taken.get(*index) == Some(&false)).collect();
        let missing = contract.columns.iter().zip(&places).filter(|(_, place)| place.is_none());
        let header = Header {
            unknown: unknown.iter().map(|(_, name)| presentable(name)).collect(),
            missing: missing.map(|(column, _)| column.name.clone()).collect(),
        };
        Ok(Self { width: taken.len(), places, extra: Extra::new(&unknown), header })
    }
}

/// The columns that the contract does not know, as the text of a JSON object. A name that comes again gets a number.
struct Extra {
    unknown: Vec<(usize, String)>,
    object: Vec<u8>,
}

impl Extra {
    fn new(unknown: &[(usize, &str)]) -> Self {
        let mut times: HashMap<&str, usize> = HashMap::new();
        let mut keys = Vec::with_capacity(unknown.len());
        for (index, name) in unknown {
            let times = times.entry(name).or_default();
            *times += 1;
            let name = if *times == 1 { (*name).to_owned() } else { format!("{name}#{times}") };
            keys.push((*index, format!("{}:", serde_json::Value::from(name))));
        }
        Self { unknown: keys, object: Vec::new() }
    }

    fn object(&mut self, fields: Fields<'_>) -> Option<&str> {
        self.object.clear();
        for (index, key) in &self.unknown {
            let Some(text) = fields.get(*index).map(str::trim).filter(|text| !text.is_empty()) else { continue };
            self.object.push(if self.object.is_empty() { b'{' } else { b',' });
            self.object.extend_from_slice(key.as_bytes());
            serde_json::to_writer(&mut self.object, text).ok()?;
        }
        if self.object.is_empty() {
            return None;
        }
        self.object.push(b'}');
        std::str::from_utf8(&self.object).ok()
    }
}
