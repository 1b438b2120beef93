//! The model card: what a model is for, how it was made and how good it is.

use crate::file::ModelFile;

/// The card in Markdown.
pub fn markdown(file: &ModelFile) -> String {
    format!("# {}\n", file.header.about.name)
}

/// The card as one HTML page with plots; it needs nothing from outside.
pub fn html(file: &ModelFile) -> String {
    format!("<!doctype html><title>{}</title>", file.header.about.name)
}
