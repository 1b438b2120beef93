//! Athena's names of types: of results, of tables, and as Trino writes them.

use carelake_contracts::ColumnType;
use datafusion::arrow::datatypes::DataType;
use serde_json::{Value, json};

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    kind: &'static str,
    precision: u32,
    scale: i32,
}

impl Column {
    /// A column of an Arrow type.
    pub fn new(name: &str, data_type: &DataType) -> Self {
        let (kind, precision, scale) = described(data_type);
        Self { name: name.to_owned(), kind, precision, scale }
    }

    /// A column of text.
    pub fn text(name: &str) -> Self {
        Self { name: name.to_owned(), kind: "string", precision: 0, scale: 0 }
    }

    /// As `ColumnInfo`.
    pub fn described(&self) -> Value {
        json!({
            "CatalogName": "hive",
            "SchemaName": "",
            "TableName": "",
            "Name": self.name,
            "Label": self.name,
            "Type": self.kind,
            "Precision": self.precision,
            "Scale": self.scale,
            "Nullable": "UNKNOWN",
            "CaseSensitive": matches!(self.kind, "varchar" | "string"),
        })
    }
}

fn described(data_type: &DataType) -> (&'static str, u32, i32) {
    match data_type {
        DataType::Boolean => ("boolean", 0, 0),
        DataType::Int8 => ("tinyint", 3, 0),
        DataType::Int16 | DataType::UInt8 => ("smallint", 5, 0),
        DataType::Int32 | DataType::UInt16 => ("integer", 10, 0),
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => ("bigint", 19, 0),
        DataType::Float16 | DataType::Float32 => ("float", 17, 0),
        DataType::Float64 => ("double", 17, 0),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => ("decimal", u32::from(*precision), i32::from(*scale)),
        DataType::Date32 | DataType::Date64 => ("date", 0, 0),
        DataType::Time32(_) | DataType::Time64(_) => ("time", 3, 0),
        DataType::Timestamp(_, None) => ("timestamp", 3, 0),
        DataType::Timestamp(_, Some(_)) => ("timestamp with time zone", 3, 0),
        DataType::Interval(_) | DataType::Duration(_) => ("interval day to second", 0, 0),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            ("varbinary", 1_073_741_824, 0)
        }
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::ListView(_) => {
            ("array", 0, 0)
        }
        DataType::Map(..) => ("map", 0, 0),
        DataType::Struct(_) => ("row", 0, 0),
        DataType::Null => ("unknown", 0, 0),
        DataType::Dictionary(_, value) => described(value),
        _ => ("varchar", i32::MAX.unsigned_abs(), 0),
    }
}

/// Hive's name of a contract's type, as the catalogue of tables has it.
pub fn hive(contract: &str) -> &str {
    if contract == "long" { "bigint" } else { contract }
}

/// Trino's name of a contract's type. Times are moments, which Athena shows with their zone.
pub fn trino(contract: &str) -> &str {
    match contract {
        "string" => "varchar",
        "int" => "integer",
        "long" => "bigint",
        "timestamp" => "timestamp(3) with time zone",
        other => other,
    }
}

/// The contract's type of a planned column; none where tables have no such type.
pub fn contract(data_type: &DataType) -> Option<ColumnType> {
    Some(match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnType::String,
        DataType::Boolean => ColumnType::Boolean,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => ColumnType::Int,
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => ColumnType::Long,
        DataType::Float32 | DataType::Float64 => ColumnType::Double,
        DataType::Date32 => ColumnType::Date,
        DataType::Timestamp(..) => ColumnType::Timestamp,
        DataType::Decimal128(precision, scale) if *scale >= 0 => {
            ColumnType::Decimal { precision: *precision, scale: *scale }
        }
        // What a partition column is read as.
        DataType::Dictionary(_, value) => return contract(value),
        _ => return None,
    })
}
