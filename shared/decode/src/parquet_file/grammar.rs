//! The structs of Parquet's metadata that are decoded here: the number and type of each field.
//!
//! The library reads a field of a known number as the type it should have, whatever type it says it has. Were the
//! check less strict, it would look at other bytes than the library.

/// Type of a field.
pub enum Kind {
    Flag,
    Byte,
    Int16,
    Int32,
    Int64,
    Double,
    Bytes,
    List(&'static Kind),
    Struct(&'static Fields),
}

/// Fields of a struct, by number. Others are passed over.
pub type Fields = [(i16, Kind)];

use Kind::{Byte, Bytes, Double, Flag, Int16, Int32, Int64, List, Struct};

/// The footer.
pub const FILE: &Fields = &[
    (1, Int32),
    (2, List(&Struct(SCHEMA_ELEMENT))),
    (3, Int64),
    (4, List(&Struct(ROW_GROUP))),
    (5, List(&Struct(KEY_VALUE))),
    (6, Bytes),
    (7, List(&Struct(UNION_OF_NOTHING))),
    (8, Struct(&[])),
    (9, Bytes),
];

/// The header of a page.
pub const PAGE: &Fields = &[
    (1, Int32),
    (2, Int32),
    (3, Int32),
    (4, Int32),
    (5, Struct(&[(1, Int32), (2, Int32), (3, Int32), (4, Int32), (5, Struct(STATISTICS))])),
    (6, Struct(&[])),
    (7, Struct(&[(1, Int32), (2, Int32), (3, Flag)])),
    (
        8,
        Struct(&[
            (1, Int32),
            (2, Int32),
            (3, Int32),
            (4, Int32),
            (5, Int32),
            (6, Int32),
            (7, Flag),
            (8, Struct(STATISTICS)),
        ]),
    ),
];

const SCHEMA_ELEMENT: &Fields = &[
    (1, Int32),
    (2, Int32),
    (3, Int32),
    (4, Bytes),
    (5, Int32),
    (6, Int32),
    (7, Int32),
    (8, Int32),
    (9, Int32),
    (10, Struct(LOGICAL_TYPE)),
];

const LOGICAL_TYPE: &Fields = &[
    (1, Struct(&[])),
    (2, Struct(&[])),
    (3, Struct(&[])),
    (4, Struct(&[])),
    (5, Struct(&[(1, Int32), (2, Int32)])),
    (6, Struct(&[])),
    (7, Struct(TIME)),
    (8, Struct(TIME)),
    (10, Struct(&[(1, Byte), (2, Flag)])),
    (11, Struct(&[])),
    (12, Struct(&[])),
    (13, Struct(&[])),
    (14, Struct(&[])),
    (15, Struct(&[])),
    (16, Struct(&[(1, Byte)])),
    (17, Struct(&[(1, Bytes)])),
    (18, Struct(&[(1, Bytes), (2, Int32)])),
];

const TIME: &Fields = &[(1, Flag), (2, Struct(UNION_OF_NOTHING))];

const UNION_OF_NOTHING: &Fields = &[(1, Struct(&[])), (2, Struct(&[])), (3, Struct(&[]))];

const ROW_GROUP: &Fields = &[
    (1, List(&Struct(COLUMN_CHUNK))),
    (2, Int64),
    (3, Int64),
    (4, List(&Struct(&[(1, Int32), (2, Flag), (3, Flag)]))),
    (5, Int64),
    (6, Int64),
    (7, Int16),
];

const COLUMN_CHUNK: &Fields = &[
    (1, Bytes),
    (2, Int64),
    (3, Struct(COLUMN)),
    (4, Int64),
    (5, Int32),
    (6, Int64),
    (7, Int32),
    (8, Struct(&[])),
    (9, Bytes),
];

const COLUMN: &Fields = &[
    (1, Int32),
    (2, List(&Int32)),
    (3, List(&Bytes)),
    (4, Int32),
    (5, Int64),
    (6, Int64),
    (7, Int64),
    (8, List(&Struct(KEY_VALUE))),
    (9, Int64),
    (10, Int64),
    (11, Int64),
    (12, Struct(STATISTICS)),
    (13, List(&Struct(&[(1, Int32), (2, Int32), (3, Int32)]))),
    (14, Int64),
    (15, Int32),
    (16, Struct(&[(1, Int64), (2, List(&Int64)), (3, List(&Int64))])),
    (17, Struct(&[(1, Struct(BOX)), (2, List(&Int32))])),
];

const KEY_VALUE: &Fields = &[(1, Bytes), (2, Bytes)];

const STATISTICS: &Fields =
    &[(1, Bytes), (2, Bytes), (3, Int64), (4, Int64), (5, Bytes), (6, Bytes), (7, Flag), (8, Flag)];

const BOX: &Fields =
    &[(1, Double), (2, Double), (3, Double), (4, Double), (5, Double), (6, Double), (7, Double), (8, Double)];

impl Kind {
    /// True when a field may have this type on the wire.
    pub fn is(&self, wire: u8) -> bool {
        match self {
            Flag => matches!(wire, 1 | 2),
            Byte => wire == 3,
            Int16 => wire == 4,
            Int32 => wire == 5,
            Int64 => wire == 6,
            Double => wire == 7,
            Bytes => wire == 8,
            List(_) => wire == 9,
            Struct(_) => wire == 12,
        }
    }
}
