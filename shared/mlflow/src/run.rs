//! What is told to MLflow.

/// A file that is kept with the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its path below the model's folder.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A column that the model reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type in MLflow's words: double, string, boolean.
    pub kind: &'static str,
}

/// What the model was trained on, by name and fingerprint; the rows themselves stay where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSet {
    /// A name.
    pub name: String,
    /// Identifies the rows.
    pub digest: String,
    /// Where they come from.
    pub source: String,
}

/// A training run with its model.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The experiment, which is made if need be.
    pub experiment: String,
    /// Name of the run.
    pub name: String,
    /// When it is told, in milliseconds since 1970.
    pub time_ms: i64,
    /// The same moment as MLmodel files write it: `2026-11-25 12:00:00.000000`.
    pub time: String,
    /// Parameters.
    pub params: Vec<(String, String)>,
    /// Metrics; those that are not finite are left out.
    pub metrics: Vec<(String, f64)>,
    /// Tags.
    pub tags: Vec<(String, String)>,
    /// The data.
    pub data: DataSet,
    /// Name in the server's model registry.
    pub model: String,
    /// Version of the code, for the MLmodel file.
    pub code_version: String,
    /// Path of the artifact that is the model itself.
    pub model_path: String,
    /// What the model reads.
    pub inputs: Vec<Column>,
    /// What it gives.
    pub output: String,
    /// Files.
    pub artifacts: Vec<Artifact>,
    /// The alias that the version gets, if it is to have one.
    pub alias: Option<String>,
}

/// What the server made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// The experiment.
    pub experiment_id: String,
    /// The run.
    pub run_id: String,
    /// The logged model.
    pub model_id: String,
    /// The version in the server's registry.
    pub version: String,
}
