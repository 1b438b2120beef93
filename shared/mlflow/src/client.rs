//! The calls.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use url::Url;

use crate::error::MlflowError;
use crate::mlmodel;
use crate::run::{Artifact, Logged, Run};

/// Time in which the server must take a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Time in which it must answer a call.
const ANSWER: Duration = Duration::from_secs(60);
/// Parameters and metrics that one call takes.
const BATCH: usize = 100;

/// An MLflow server.
#[derive(Debug, Clone)]
pub struct Mlflow {
    base: Url,
    http: Client,
}

impl Mlflow {
    /// The server at an address such as `http://127.0.0.1:5000`.
    ///
    /// # Errors
    /// When the address is none of http or https.
    pub fn new(address: &str) -> Result<Self, MlflowError> {
        let wrong = || MlflowError::address("give an address such as http://127.0.0.1:5000");
        let base = Url::parse(address).map_err(|_| wrong())?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(wrong());
        }
        let http = Client::builder().connect_timeout(CONNECT).timeout(ANSWER).build();
        let http = http.map_err(|error| MlflowError::away("preparing calls", error))?;
        Ok(Self { base, http })
    }

    /// The server's name and port.
    pub fn place(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Tells of a run and its model. What fails on the way leaves the run marked as failed.
    ///
    /// # Errors
    /// When the server is away or refuses a call.
    pub async fn log(&self, run: &Run) -> Result<Logged, MlflowError> {
        let experiment_id = self.experiment(&run.experiment).await?;
        let tags: Vec<Value> = pairs(&run.tags);
        let body = json!({
            "experiment_id": experiment_id, "run_name": run.name, "start_time": run.time_ms, "tags": tags
        });
        let made = self.post("starting a run", "runs/create", &body).await?;
        let run_id = text(&made, &["run", "info", "run_id"], "starting a run")?;
        match self.fill(run, &experiment_id, &run_id).await {
            Ok(logged) => Ok(logged),
            Err(error) => {
                // The run's own failure is what counts, not that it cannot be marked.
                let _ = self.finish(&run_id, "FAILED", run.time_ms).await;
                Err(error)
            }
        }
    }

    async fn fill(&self, run: &Run, experiment_id: &str, run_id: &str) -> Result<Logged, MlflowError> {
        let context = "making a model";
        let params = pairs(&run.params);
        let body = json!({
            "experiment_id": experiment_id, "name": run.model, "model_type": "carelake", "source_run_id": run_id,
            "params": params.iter().take(BATCH).collect::<Vec<_>>()
        });
        let made = self.post(context, "logged-models", &body).await?;
        let model_id = text(&made, &["model", "info", "model_id"], context)?;
        let folder = text(&made, &["model", "info", "artifact_uri"], context)?;
        let data = json!({"name": run.data.name, "digest": run.data.digest.chars().take(36).collect::<String>(),
            "source_type": "carelake", "source": json!({"table": run.data.source}).to_string()});
        let inputs = json!({"run_id": run_id, "datasets": [{"dataset": data}]});
        self.post("naming the data", "runs/log-inputs", &inputs).await?;
        self.figures(run, run_id, &model_id).await?;
        let file = Artifact { path: "MLmodel".to_owned(), bytes: mlmodel::text(run, &model_id, run_id).into_bytes() };
        for artifact in std::iter::once(&file).chain(&run.artifacts) {
            self.upload(&folder, artifact).await?;
        }
        let outputs = json!({"run_id": run_id, "models": [{"model_id": model_id, "step": 0}]});
        self.post("naming the model of the run", "runs/outputs", &outputs).await?;
        let ready = json!({"model_id": model_id, "status": "LOGGED_MODEL_READY"});
        let path = format!("logged-models/{model_id}");
        self.send("finishing the model", self.api(Method::PATCH, &path)?.body(ready.to_string())).await?;
        let version = self.register(run, run_id, &model_id).await?;
        self.finish(run_id, "FINISHED", run.time_ms).await?;
        Ok(Logged { experiment_id: experiment_id.to_owned(), run_id: run_id.to_owned(), model_id, version })
    }

    /// The experiment of that name, made if need be.
    async fn experiment(&self, name: &str) -> Result<String, MlflowError> {
        let context = "finding the experiment";
        let mut request = self.api(Method::GET, "experiments/get-by-name")?.build();
        if let Ok(request) = &mut request {
            request.url_mut().query_pairs_mut().append_pair("experiment_name", name);
        }
        let request = request.map_err(|error| MlflowError::away(context, error))?;
        let found = self.send(context, RequestBuilder::from_parts(self.http.clone(), request)).await;
        match found {
            Ok(found) => text(&found, &["experiment", "experiment_id"], context),
            Err(error) if error.code == "RESOURCE_DOES_NOT_EXIST" => {
                let made = self.post("making the experiment", "experiments/create", &json!({"name": name})).await?;
                text(&made, &["experiment_id"], "making the experiment")
            }
            Err(error) => Err(error),
        }
    }

    async fn figures(&self, run: &Run, run_id: &str, model_id: &str) -> Result<(), MlflowError> {
        for params in pairs(&run.params).chunks(BATCH) {
            self.post("writing parameters", "runs/log-batch", &json!({"run_id": run_id, "params": params})).await?;
        }
        let metrics: Vec<Value> = run
            .metrics
            .iter()
            .filter(|(_, value)| value.is_finite())
            .map(|(key, value)| {
                json!({"key": key, "value": value, "timestamp": run.time_ms, "step": 0, "model_id": model_id,
                    "dataset_name": run.data.name, "dataset_digest": run.data.digest.chars().take(36).collect::<String>()})
            })
            .collect();
        for metrics in metrics.chunks(BATCH) {
            self.post("writing metrics", "runs/log-batch", &json!({"run_id": run_id, "metrics": metrics})).await?;
        }
        Ok(())
    }

    async fn upload(&self, folder: &str, artifact: &Artifact) -> Result<(), MlflowError> {
        let context = "storing a file";
        let Some(folder) = folder.strip_prefix("mlflow-artifacts:/") else {
            let cause = "the server does not take files itself; start it with --artifacts-destination";
            return Err(MlflowError {
                context: context.to_owned(),
                cause: cause.to_owned(),
                code: String::new(),
                retryable: false,
            });
        };
        let path = format!("api/2.0/mlflow-artifacts/artifacts/{}/{}", folder.trim_matches('/'), artifact.path);
        let request = self.http.request(Method::PUT, self.url(&path)?).body(artifact.bytes.clone());
        self.send(context, request).await.map(drop)
    }

    async fn register(&self, run: &Run, run_id: &str, model_id: &str) -> Result<String, MlflowError> {
        let named = self.post("naming the model", "registered-models/create", &json!({"name": run.model})).await;
        match named {
            Ok(_) => {}
            Err(error) if error.code == "RESOURCE_ALREADY_EXISTS" => {}
            Err(error) => return Err(error),
        }
        let body = json!({"name": run.model, "source": format!("models:/{model_id}"), "run_id": run_id,
            "model_id": model_id, "tags": pairs(&run.tags)});
        let made = self.post("registering a version", "model-versions/create", &body).await?;
        let version = text(&made, &["model_version", "version"], "registering a version")?;
        if let Some(alias) = &run.alias {
            let body = json!({"name": run.model, "alias": alias, "version": version});
            self.post("setting the alias", "registered-models/alias", &body).await?;
        }
        Ok(version)
    }

    async fn finish(&self, run_id: &str, status: &str, time_ms: i64) -> Result<(), MlflowError> {
        let body = json!({"run_id": run_id, "status": status, "end_time": time_ms});
        self.post("finishing the run", "runs/update", &body).await.map(drop)
    }

    async fn post(&self, context: &str, path: &str, body: &Value) -> Result<Value, MlflowError> {
        self.send(context, self.api(Method::POST, path)?.body(body.to_string())).await
    }

    fn api(&self, method: Method, path: &str) -> Result<RequestBuilder, MlflowError> {
        let url = self.url(&format!("api/2.0/mlflow/{path}"))?;
        Ok(self.http.request(method, url).header("content-type", "application/json"))
    }

    fn url(&self, path: &str) -> Result<Url, MlflowError> {
        let mut base = self.base.clone();
        let root = base.path().trim_end_matches('/').to_owned();
        base.set_path(&format!("{root}/{path}"));
        Ok(base)
    }

    async fn send(&self, context: &str, request: RequestBuilder) -> Result<Value, MlflowError> {
        let answer = request.send().await.map_err(|error| MlflowError::away(context, error))?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|error| MlflowError::away(context, error))?;
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(body);
        }
        let said = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let cause = match said("message") {
            message if message.is_empty() => format!("the server answered {status}"),
            message => message.lines().next().unwrap_or_default().to_owned(),
        };
        Err(MlflowError {
            context: context.to_owned(),
            cause,
            code: said("error_code"),
            retryable: status.is_server_error() || status.as_u16() == 429,
        })
    }
}

fn pairs(all: &[(String, String)]) -> Vec<Value> {
    all.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// A text within an answer.
fn text(answer: &Value, path: &[&str], context: &str) -> Result<String, MlflowError> {
    let found = path.iter().try_fold(answer, |value, key| value.get(key)).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| MlflowError {
        context: context.to_owned(),
        cause: format!("the answer has no {}; is it an MLflow 3 server?", path.join(".")),
        code: String::new(),
        retryable: false,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_must_be_one_of_http() {
        for wrong in ["", "127.0.0.1:5000", "file:///tmp", "mlflow"] {
            assert!(Mlflow::new(wrong).is_err(), "{wrong}");
        }
        let server = Mlflow::new("http://user:secret@127.0.0.1:5000/base/").unwrap();
        assert_eq!(server.place(), "127.0.0.1:5000");
        assert_eq!(server.url("api/x").unwrap().path(), "/base/api/x");
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_told_without_the_password() {
        let server = Mlflow::new("http://user:secret@127.0.0.1:9").unwrap();
        let error = server.experiment("x").await.unwrap_err();
        assert!(error.retryable);
        let said = error.to_string();
        assert!(said.contains("nothing listens there") && !said.contains("secret"), "{said}");
    }
}
