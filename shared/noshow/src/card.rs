//! The model card (Mitchell et al. 2019): what a model is for, how it was made, how good it is, and for whom.

mod facts;
mod html;
mod markdown;
mod plot;
mod svg;

pub use html::html;
pub use markdown::markdown;
