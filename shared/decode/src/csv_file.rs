//! CSV, by header name.

use std::io::BufRead;

use carelake_contracts::Contract;
use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value};

use super::cells::Cells;
use super::{DecodeError, Header, Sink, presentable};

const BOM: &[u8] = b"\xef\xbb\xbf";

pub fn decode(reader: Box<dyn BufRead>, contract: &Contract, sink: &mut Sink<'_>) -> Result<Header, DecodeError> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(reader);
    let mut record = ByteRecord::new();
    if !read(&mut reader, &mut record)? {
        return Err(DecodeError::Unreadable("the file is empty: it does not even have a header"));
    }
    let layout = Layout::new(&record, contract)?;
    let mut cells = Cells::new(contract);
    let mut row = 0_i64;
    while read(&mut reader, &mut record)? {
        row += 1;
        if record.len() != layout.width {
            cells.damage(row, ".row.shape");
        } else if record.iter().any(|field| std::str::from_utf8(field).is_err()) {
            cells.damage(row, ".row.encoding");
        } else {
            let extra = layout.extra(&record);
            cells.push(row, extra.as_deref(), |index| layout.text(&record, index));
        }
        if cells.full() {
            sink(cells.take()).map_err(DecodeError::Sink)?;
        }
    }
    sink(cells.take()).map_err(DecodeError::Sink)?;
    Ok(layout.header)
}

fn read(reader: &mut csv::Reader<Box<dyn BufRead>>, record: &mut ByteRecord) -> Result<bool, DecodeError> {
    reader.read_byte_record(record).map_err(|error| match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        _ => DecodeError::Unreadable("the file is not CSV"),
    })
}

/// Where the contract's columns stand in the file.
struct Layout {
    width: usize,
    places: Vec<Option<usize>>,
    unknown: Vec<(usize, String)>,
    header: Header,
}

impl Layout {
    fn new(first: &ByteRecord, contract: &Contract) -> Result<Self, DecodeError> {
        let mut names = Vec::with_capacity(first.len());
        for (index, field) in first.iter().enumerate() {
            let field = if index == 0 { field.strip_prefix(BOM).unwrap_or(field) } else { field };
            let name =
                std::str::from_utf8(field).map_err(|_| DecodeError::Unreadable("the header is not UTF-8 text"))?;
            names.push(name.trim().to_owned());
        }
        let mut taken = vec![false; names.len()];
        let mut places = Vec::with_capacity(contract.columns.len());
        for column in &contract.columns {
            let place = column.headers.iter().find_map(|wanted| {
                let same = |(index, name): &(usize, &String)| {
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
        let unknown: Vec<(usize, String)> =
            names.into_iter().enumerate().filter(|(index, _)| taken.get(*index) == Some(&false)).collect();
        let missing = contract.columns.iter().zip(&places).filter(|(_, place)| place.is_none());
        let header = Header {
            unknown: unknown.iter().map(|(_, name)| presentable(name)).collect(),
            missing: missing.map(|(column, _)| column.name.clone()).collect(),
        };
        Ok(Self { width: taken.len(), places, unknown, header })
    }

    fn text<'a>(&self, record: &'a ByteRecord, column: usize) -> Option<&'a str> {
        let place = self.places.get(column).copied().flatten()?;
        std::str::from_utf8(record.get(place)?).ok()
    }

    fn extra(&self, record: &ByteRecord) -> Option<String> {
        let mut object = Map::new();
        for (index, name) in &self.unknown {
            let text = record.get(*index).and_then(|field| std::str::from_utf8(field).ok()).map(str::trim);
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                object.insert(name.clone(), Value::from(text));
            }
        }
        (!object.is_empty()).then(|| Value::Object(object).to_string())
    }
}
