//! Thrift's compact protocol, walked without building anything: a list that claims more than its bytes can hold is
//! found before a decoder makes room for it.

use super::grammar::{Fields, Kind};

/// Structs and unions within each other, at most; Parquet's own go five deep.
const DEEPEST: usize = 16;

/// What is told of a walk. `path` holds the field numbers from the outermost struct inwards; lists add none.
pub trait Visitor {
    /// An integer.
    fn int(&mut self, path: &[i16], value: i64);
    /// A list of `length` structs begins; false ends the walk.
    fn structs(&mut self, path: &[i16], length: usize) -> bool;
    /// A struct that stands in a list ends.
    fn element_end(&mut self, path: &[i16]);
}

/// Why a walk ended early.
#[derive(Debug, PartialEq, Eq)]
pub enum Broken {
    /// The bytes end within the struct.
    Short,
    /// It is no such struct, or the visitor had enough.
    Wrong,
}

/// Walks over the struct of these fields that begins here, and gives its length.
///
/// # Errors
/// When it is not one.
pub fn walk(bytes: &[u8], fields: &Fields, visitor: &mut dyn Visitor) -> Result<usize, Broken> {
    let mut walker = Walker { bytes, place: 0, path: Vec::with_capacity(DEEPEST), visitor };
    walker.structure(fields)?;
    Ok(walker.place)
}

struct Walker<'a> {
    bytes: &'a [u8],
    place: usize,
    path: Vec<i16>,
    visitor: &'a mut dyn Visitor,
}

impl Walker<'_> {
    fn byte(&mut self) -> Result<u8, Broken> {
        let byte = self.bytes.get(self.place).copied().ok_or(Broken::Short)?;
        self.place += 1;
        Ok(byte)
    }

    fn skip(&mut self, length: u64) -> Result<(), Broken> {
        let left = (self.bytes.len() - self.place) as u64;
        if length > left {
            return Err(Broken::Short);
        }
        self.place += usize::try_from(length).map_err(|_| Broken::Wrong)?;
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, Broken> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Broken::Wrong)
    }

    fn zigzag(&mut self) -> Result<i64, Broken> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn structure(&mut self, fields: &Fields) -> Result<(), Broken> {
        let mut last = 0_i16;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            let (delta, wire) = (i16::from(head >> 4), head & 0x0f);
            // Numbers written in full are never needed here, and the library overlooks them in some structs.
            if delta == 0 || wire == 0 || self.path.len() == DEEPEST {
                return Err(Broken::Wrong);
            }
            last = last.checked_add(delta).ok_or(Broken::Wrong)?;
            let kind = fields.iter().find(|(number, _)| *number == last).map(|(_, kind)| kind);
            if kind.is_some_and(|kind| !kind.is(wire)) {
                return Err(Broken::Wrong);
            }
            self.path.push(last);
            // A flag is its own value.
            if !matches!(wire, 1 | 2) {
                self.value(wire, kind)?;
            }
            self.path.pop();
        }
    }

    /// Walks over a value; `kind` is what it has to be, when that is known.
    fn value(&mut self, wire: u8, kind: Option<&Kind>) -> Result<(), Broken> {
        match (wire, kind) {
            (3, _) => self.byte().map(drop),
            (4..=6, _) => {
                let value = self.zigzag()?;
                self.visitor.int(&self.path, value);
                Ok(())
            }
            (7, _) => self.skip(8),
            (8, _) => {
                let length = self.varint()?;
                self.skip(length)
            }
            (9 | 10, Some(Kind::List(element))) => self.list(Some(element)),
            (9 | 10, _) => self.list(None),
            (12, Some(Kind::Struct(fields))) => self.structure(fields),
            (12, _) => self.structure(&[]),
            (13, _) => self.skip(16),
            // There are no maps, and no lists of flags: the library takes their elements to be of no length.
            _ => Err(Broken::Wrong),
        }
    }

    fn list(&mut self, element: Option<&Kind>) -> Result<(), Broken> {
        let head = self.byte()?;
        if head == 0 {
            // Some writers leave out the type of no elements.
            return Ok(());
        }
        let wire = head & 0x0f;
        if element.is_some_and(|element| !element.is(wire)) {
            return Err(Broken::Wrong);
        }
        let length = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        // Every element takes a byte at least.
        let length = usize::try_from(length).map_err(|_| Broken::Wrong)?;
        if length > self.bytes.len() - self.place {
            return Err(Broken::Short);
        }
        if wire == 12 && !self.visitor.structs(&self.path, length) {
            return Err(Broken::Wrong);
        }
        for _ in 0..length {
            self.value(wire, element)?;
            if wire == 12 {
                self.visitor.element_end(&self.path);
            }
        }
        Ok(())
    }
}
