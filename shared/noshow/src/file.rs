//! The model file: one self-describing text file, sealed with SHA-256.

use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, ModelError};
use crate::evaluate::{Comparison, Evaluation};
use crate::features::FeatureSet;
use crate::model::Model;

/// What the caller knows of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The model's name in the registry.
    pub name: String,
    /// The source whose rows it was trained on.
    pub source: String,
    /// The version of the code.
    pub code_version: String,
    /// Identifies the rows it was trained on, as the caller sees them (table version, window).
    pub data_fingerprint: String,
}

/// What stands at the head of a model file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The caller's part.
    pub about: About,
    /// Identifies the feature list; a scorer whose list differs refuses the model.
    pub schema_hash: String,
    /// First and last day of the evaluation, ISO.
    pub evaluated: Option<(String, String)>,
    /// The evaluation on days after the training window.
    pub evaluation: Option<Evaluation>,
    /// The comparison with the champion of then.
    pub comparison: Option<Comparison>,
}

/// A model with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelFile {
    /// What is known of it.
    pub header: Header,
    /// The model.
    pub model: Model,
}

impl ModelFile {
    /// The bytes of the file; the same for the same content.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        Err(ModelError::new(ErrorKind::Corrupt, "not built yet"))
    }

    /// Reads and checks the bytes of a file. Any bytes may be given.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let _ = bytes;
        Err(ModelError::new(ErrorKind::NotAModel, "not built yet"))
    }

    /// Fails unless the model was made for this feature list.
    pub fn check_schema(&self, features: &FeatureSet) -> Result<(), ModelError> {
        if self.header.schema_hash == features.schema_hash() {
            return Ok(());
        }
        Err(ModelError::new(ErrorKind::OtherSchema, format!("{} version {}", features.name, features.version)))
    }
}
