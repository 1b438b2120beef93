//! The MLmodel file, by which MLflow knows a model's files.

use serde_json::json;

use crate::run::Run;

/// The file's text. `model_id` and `run_id` are the server's.
pub fn text(run: &Run, model_id: &str, run_id: &str) -> String {
    let inputs: Vec<_> =
        run.inputs.iter().map(|column| json!({"type": column.kind, "name": column.name, "required": false})).collect();
    let outputs = json!([{"type": "double", "name": run.output, "required": true}]);
    let lines = [
        "flavors:".to_owned(),
        "  carelake:".to_owned(),
        format!("    code_version: {}", quoted(&run.code_version)),
        format!("    data: {}", quoted(&run.model_path)),
        format!("model_id: {}", quoted(model_id)),
        format!("model_uuid: {}", quoted(model_id)),
        format!("run_id: {}", quoted(run_id)),
        "signature:".to_owned(),
        format!("  inputs: {}", quoted(&json!(inputs).to_string())),
        format!("  outputs: {}", quoted(&outputs.to_string())),
        "  params: null".to_owned(),
        format!("utc_time_created: {}", quoted(&run.time)),
    ];
    lines.join("\n") + "\n"
}

/// A YAML text in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
