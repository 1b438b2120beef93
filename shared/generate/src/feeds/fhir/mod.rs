//! Feed `fhir`: the patients of feed `synthea` once more, as FHIR R4 Bulk Data exports them. Both tell of the same
//! events, so that every measure says the same of both.

mod resources;
mod writer;

pub(super) use resources::{Record, Row};
pub(super) use writer::Bulk;
