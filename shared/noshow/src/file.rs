//! The model file: one self-describing text file, sealed with SHA-256.
//!
//! First line: `carelake-model <format> <bytes of the body>`. Then the body, one JSON document with everything about the
//! model. Last line: `sha256 <hex>`, of all that stands before it. Reading takes no more memory than a small multiple of
//! the file's size, whatever the first line says.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{ErrorKind, ModelError};
use crate::evaluate::Evaluation;
use crate::exact::{freeze, thaw};
use crate::features::FeatureSet;
use crate::model::Model;

const MAGIC: &str = "carelake-model";
/// The format that this code writes; it reads this and all before it.
const FORMAT: u32 = 1;
/// Bytes of the last line and the line break before it.
const SEAL: usize = 1 + 7 + 64 + 1;
/// Bytes within which the first line ends.
const LONGEST_LINE: usize = 64;

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
    /// What a simpler model does on the same rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
}

/// A simpler model, measured on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// What it knows: "age and gender alone".
    pub knows: String,
    /// How good it is.
    pub evaluation: Evaluation,
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
    /// Puts a model with what is known of it.
    pub fn new(about: About, model: Model) -> Self {
        let schema_hash = model.features.schema_hash();
        Self { header: Header { about, schema_hash, evaluated: None, evaluation: None, baseline: None }, model }
    }

    /// The bytes of the file; the same for the same content.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        let body = serde_json::to_value(self).and_then(|value| serde_json::to_vec(&freeze(value)));
        let body = body.map_err(|error| ModelError::new(ErrorKind::Corrupt, error.to_string()))?;
        let mut bytes = format!("{MAGIC} {FORMAT} {}\n", body.len()).into_bytes();
        bytes.extend(body);
        let seal = hex::encode(Sha256::digest(&bytes));
        bytes.extend(format!("\nsha256 {seal}\n").into_bytes());
        Ok(bytes)
    }

    /// Reads and checks the bytes of a file. Any bytes may be given.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let fail = |kind, context: &str| Err(ModelError::new(kind, context));
        let Some(end) = bytes.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n') else {
            let start = bytes.get(..MAGIC.len().min(bytes.len())).unwrap_or_default();
            let is_start = MAGIC.as_bytes().starts_with(start) && bytes.len() < LONGEST_LINE;
            let kind = if is_start && !bytes.is_empty() { ErrorKind::Truncated } else { ErrorKind::NotAModel };
            return fail(kind, "it has no first line");
        };
        let (line, rest) = bytes.split_at(end + 1);
        let words: Vec<&str> = std::str::from_utf8(line).unwrap_or_default().split_ascii_whitespace().collect();
        let [name, format, length] = words[..] else {
            return fail(ErrorKind::NotAModel, "its first line is another's");
        };
        let (Ok(format), Ok(length)) = (format.parse::<u32>(), length.parse::<usize>()) else {
            return fail(ErrorKind::NotAModel, "its first line is another's");
        };
        if name != MAGIC {
            return fail(ErrorKind::NotAModel, "its first line is another's");
        }
        if format > FORMAT {
            return Err(ModelError::new(ErrorKind::FutureFormat, format!("format {format}; known is {FORMAT}")));
        }
        let whole = length.saturating_add(SEAL);
        if rest.len() < whole {
            return Err(ModelError::new(ErrorKind::Truncated, format!("{} of {whole} bytes", rest.len())));
        }
        let Some((body, seal)) = rest.split_at_checked(length).filter(|(_, seal)| seal.len() == SEAL) else {
            return fail(ErrorKind::Tampered, "something was added to it");
        };
        let sealed = bytes.get(..line.len() + length).unwrap_or_default();
        if seal != format!("\nsha256 {}\n", hex::encode(Sha256::digest(sealed))).as_bytes() {
            return fail(ErrorKind::Tampered, "its SHA-256 is another");
        }
        let file: Result<Self, _> = serde_json::from_slice(body).and_then(|value| serde_json::from_value(thaw(value)));
        let file = file.map_err(|error| ModelError::new(ErrorKind::Corrupt, error.to_string()))?;
        file.model.check().map_err(|error| ModelError::new(ErrorKind::Corrupt, error.to_string()))?;
        if file.header.schema_hash != file.model.features.schema_hash() {
            return fail(ErrorKind::Corrupt, "its schema hash is not that of its features");
        }
        Ok(file)
    }

    /// Fails unless the model was made for this feature list.
    pub fn check_schema(&self, features: &FeatureSet) -> Result<(), ModelError> {
        if self.header.schema_hash == features.schema_hash() {
            return Ok(());
        }
        Err(ModelError::new(ErrorKind::OtherSchema, format!("{} version {}", features.name, features.version)))
    }
}
