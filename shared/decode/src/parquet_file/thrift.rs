//! Thrift's compact protocol, walked without building anything: a list that claims more than its bytes can hold is
//! found before a decoder makes room for it.

/// Structs and unions within each other, at most; Parquet's own go five deep.
const DEEPEST: usize = 16;

/// What is told of a walk. `path` holds the field numbers from the outermost struct inwards; lists add none.
pub trait Visitor {
    /// An integer.
    fn int(&mut self, path: &[i16], value: i64);
    /// A list of `length` elements begins; false ends the walk.
    fn list(&mut self, path: &[i16], length: usize) -> bool;
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

/// Walks over the struct that begins here and gives its length.
///
/// # Errors
/// When it is not one.
pub fn walk(bytes: &[u8], visitor: &mut dyn Visitor) -> Result<usize, Broken> {
    let mut walker = Walker { bytes, place: 0, path: Vec::with_capacity(DEEPEST), visitor };
    walker.structure()?;
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

    fn structure(&mut self) -> Result<(), Broken> {
        let mut last = 0_i16;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0f;
            if kind == 0 {
                return if head == 0 { Ok(()) } else { Err(Broken::Wrong) };
            }
            last = match head >> 4 {
                0 => i16::try_from(self.zigzag()?).map_err(|_| Broken::Wrong)?,
                delta => last.checked_add(i16::from(delta)).ok_or(Broken::Wrong)?,
            };
            if self.path.len() == DEEPEST {
                return Err(Broken::Wrong);
            }
            self.path.push(last);
            // A boolean field is its own value.
            if !matches!(kind, 1 | 2) {
                self.value(kind)?;
            }
            self.path.pop();
        }
    }

    fn value(&mut self, kind: u8) -> Result<(), Broken> {
        match kind {
            1..=3 => self.byte().map(drop),
            4..=6 => {
                let value = self.zigzag()?;
                self.visitor.int(&self.path, value);
                Ok(())
            }
            7 => self.skip(8),
            8 => {
                let length = self.varint()?;
                self.skip(length)
            }
            9 | 10 => self.list(),
            12 => self.structure(),
            13 => self.skip(16),
            // Parquet has no maps.
            _ => Err(Broken::Wrong),
        }
    }

    fn list(&mut self) -> Result<(), Broken> {
        let head = self.byte()?;
        let kind = head & 0x0f;
        let length = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        // Every element takes a byte at least.
        let length = usize::try_from(length).map_err(|_| Broken::Wrong)?;
        if length > self.bytes.len() - self.place {
            return Err(Broken::Short);
        }
        if !self.visitor.list(&self.path, length) {
            return Err(Broken::Wrong);
        }
        for _ in 0..length {
            self.value(kind)?;
            if kind == 12 {
                self.visitor.element_end(&self.path);
            }
        }
        Ok(())
    }
}
