//! Reads files in memory and gathers all that comes out.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use arrow::array::{Array, StringArray};
use carelake_contracts::{ContractSet, LandingPath};
use carelake_decode::{DecodeError, Header, decode_bytes};

/// Header of a file of patients.
pub const HEADER: &str = "patient_id,name,gender,dob,blood_group,city\n";
/// Two patients.
pub const PATIENTS: &str =
    "patient_id,name,gender,dob,blood_group,city\nP1,Ann,F,1980-01-01,A+,Oslo\nP2,Bob,M,1990-01-01,B+,Rome\n";

/// All that came out of a file.
pub struct Read {
    /// Number, texts of the contract's columns, text of the others.
    pub rows: Vec<(i64, Vec<Option<String>>, Option<String>)>,
    /// Number and check of the rows that were set aside.
    pub damaged: Vec<(i64, &'static str)>,
    /// The header, or why the file cannot be read.
    pub end: Result<Header, &'static str>,
}

impl Read {
    /// The texts of a column, missing ones as nothing.
    pub fn column(&self, index: usize) -> Vec<&str> {
        self.rows.iter().map(|row| row.1[index].as_deref().unwrap_or_default()).collect()
    }

    /// The texts of the columns that the contract does not know.
    pub fn extras(&self) -> Vec<&str> {
        self.rows.iter().map(|row| row.2.as_deref().unwrap_or_default()).collect()
    }

    /// Why the file cannot be read.
    pub fn reason(&self) -> &'static str {
        self.end.as_ref().expect_err("the file was read")
    }

    /// The file was read to its end.
    pub fn good(self) -> Self {
        assert!(self.end.is_ok(), "{:?}", self.end);
        self
    }
}

/// Reads a file of patients of that name.
pub fn patients(name: &str, bytes: impl AsRef<[u8]>) -> Read {
    read(&format!("clinic/patients/{name}"), bytes)
}

/// Reads a file at a landing path, under a shipped contract.
pub fn read(path: &str, bytes: impl AsRef<[u8]>) -> Read {
    let path = LandingPath::parse(path).unwrap();
    let set = ContractSet::embedded().unwrap();
    let contract = set.contract(&path.source, &path.dataset).unwrap();
    let mut read = Read { rows: Vec::new(), damaged: Vec::new(), end: Err("") };
    let end = decode_bytes(bytes.as_ref().to_vec().into(), 1 << 16, &path, contract, &mut |batch| {
        let text = |column: &StringArray, row: usize| column.is_valid(row).then(|| column.value(row).to_owned());
        for (index, row) in batch.rows.iter().enumerate() {
            let texts = batch.columns.iter().map(|column| text(column, index)).collect();
            read.rows.push((*row, texts, text(&batch.extra, index)));
        }
        read.damaged.extend(batch.damaged.iter().map(|damage| (damage.row, damage.check)));
        Ok(())
    });
    read.end = match end {
        Ok(header) => Ok(header),
        Err(DecodeError::Unreadable(reason)) => Err(reason),
        Err(other) => panic!("{other:?}"),
    };
    read
}
