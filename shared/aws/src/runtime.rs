//! The bootstrap of every function: settings, clients, the loop over invocations, and the answer to each.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use carelake_ingest::StepError;
use chrono::{DateTime, Utc};
use futures::FutureExt;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::event::{Event, Message, Notice, decode, requested};
use crate::job::{Done, Job};
use crate::lake::Place;
use crate::log::{Level, Log, print, quiet_panics};
use crate::metrics::{Metric, Metrics};
use crate::traced::Traced;

/// What a function does with pieces of work.
pub trait Function: Clone + Send + Sync + 'static {
    /// The step, as requests name it.
    const STEP: &'static str;

    /// Does the work, and says of each notice, in order, how it went.
    fn work(&self, job: Arc<Job>, notices: Vec<Notice>) -> impl Future<Output = Vec<Done>>;
}

/// Runs a function until Lambda ends it.
///
/// # Errors
/// When the environment is not complete, or Lambda's runtime does not answer.
pub async fn run<F: Function>(function: F) -> Result<(), Error> {
    quiet_panics();
    let place = match place::<F>() {
        Ok(place) => place,
        Err(problem) => {
            Log::default().write(
                Level::Error,
                "the function cannot start",
                &[("problem", Value::from(problem.clone()))],
            );
            return Err(problem.into());
        }
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let (function, place) = (function.clone(), place.clone());
        async move { invoked(function, place, event).await.map_err(Failure) }
    }))
    .await
}

#[expect(clippy::disallowed_methods, reason = "a function reads its environment where it starts")]
fn place<F: Function>() -> Result<Place, String> {
    let config = Config::read(F::STEP, |name| std::env::var(name).ok()).map_err(|errors| errors.to_string())?;
    Place::new(config).map_err(|error| error.to_string())
}

/// An error as Lambda tells it to who invoked the function.
#[derive(Debug)]
struct Failure(StepError);

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: kind(&failure.0), error_message: failure.0.to_string() }
    }
}

/// The word for a kind of error, in the log and for who invoked the function.
pub fn kind(error: &StepError) -> String {
    match error {
        StepError::Lake(error) => format!("{:?}", error.kind),
        StepError::Query { .. } => "Query".to_owned(),
        StepError::Invalid(_) => "Invalid".to_owned(),
        StepError::Conservation(_) => "Conservation".to_owned(),
    }
}

#[expect(clippy::disallowed_methods, reason = "an invocation is where a step gets its time")]
async fn invoked<F: Function>(function: F, place: Place, event: LambdaEvent<Value>) -> Result<Value, StepError> {
    let (now, started) = (Utc::now(), Instant::now());
    let (event, context) = event.into_parts();
    let mut ids = vec![("function", place.config.function.clone()), ("request_id", context.request_id.clone())];
    ids.extend(context.xray_trace_id.clone().map(|trace| ("trace_id", trace)));
    let log = Log::new(ids);
    let deadline = started + left(context.deadline, now);
    let (namespace, name) = (place.config.namespace.clone(), place.config.function.clone());
    let mut metrics = Metrics::default();
    let answer = answer(function, place, event, &log, &mut metrics, (now, deadline, context.request_id.as_str())).await;
    if let Err(error) = &answer {
        metrics.add(Metric::Failures, 1);
        let fields = [("kind", Value::from(kind(error))), ("problem", Value::from(error.to_string()))];
        log.write(Level::Error, "the step failed", &fields);
    }
    metrics.add(Metric::DurationMs, u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
    print(&metrics.line(&namespace, &name, &context.request_id, now.timestamp_millis()));
    answer
}

/// Time until the deadline, which Lambda tells in milliseconds since 1970.
fn left(deadline: u64, now: DateTime<Utc>) -> Duration {
    let now = u64::try_from(now.timestamp_millis()).unwrap_or_default();
    Duration::from_millis(deadline.saturating_sub(now))
}

async fn answer<F: Function>(
    function: F,
    place: Place,
    event: Value,
    log: &Log,
    metrics: &mut Metrics,
    (now, deadline, request_id): (DateTime<Utc>, Instant, &str),
) -> Result<Value, StepError> {
    let Ok(event) = decode(event) else {
        metrics.add(Metric::MessagesUnknown, 1);
        return Err(StepError::Invalid("the event has none of the shapes that the function's README names".to_owned()));
    };
    let request = match &event {
        Event::Notices(notices) => requested(notices).cloned(),
        Event::Batch(_) => None,
    };
    if let Some(request) = request.as_ref().filter(|request| request.step != F::STEP) {
        return Err(StepError::Invalid(format!("this function does {}, not {}", F::STEP, named(&request.step))));
    }
    let names = request.iter().flat_map(|request| [&request.source, &request.dataset, &request.persons]).flatten();
    if names.into_iter().any(|name| named(name) != name) {
        return Err(StepError::Invalid(
            "source, dataset and persons are names of small letters, digits and _".to_owned(),
        ));
    }
    let run_id = request.as_ref().and_then(|request| request.run_id.clone()).unwrap_or_else(|| request_id.to_owned());
    if !is_run_id(&run_id) {
        return Err(StepError::Invalid("run_id is not of letters, digits and _ . : + - (at most 128)".to_owned()));
    }
    let as_of = request.as_ref().and_then(|request| request.as_of);
    let parents = request.as_ref().and_then(|request| request.lineage.clone());
    let traced = Traced::begin(&place, log, parents, request_id, now).await;
    let job = Arc::new(Job::new(place, log.clone(), run_id, as_of, now, deadline));
    let (notices, messages) = match event {
        Event::Notices(notices) => (notices, None),
        Event::Batch(messages) => {
            let (notices, parts) = flat(messages);
            (notices, Some(parts))
        }
    };
    let worked = AssertUnwindSafe(Box::pin(function.work(job.clone(), notices.clone()))).catch_unwind();
    let done = worked.await.unwrap_or_else(|_| {
        let stopped = || Err(StepError::Invalid("the step was stopped by a defect; the log says where".to_owned()));
        notices.iter().map(|_| stopped()).collect()
    });
    job.leave().await;
    let lost = traced.end(&job, done.iter().find_map(|done| done.as_ref().err())).await;
    job.count(Metric::LineageLost, lost);
    *metrics = job.metrics();
    match (messages, request) {
        (Some(messages), _) => Ok(partial(messages, &done, log, metrics)),
        (None, Some(_)) => reply::<F>(&job, done, metrics),
        (None, None) => done.into_iter().find_map(Result::err).map_or_else(|| Ok(json!({"status": "done"})), Err),
    }
}

/// Something that is a name; anything else is not repeated.
fn named(step: &str) -> &str {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if (1..=100).contains(&step.len()) && step.bytes().all(letter) { step } else { "that" }
}

/// A run id stands in paths and tags.
fn is_run_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:+-".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(allowed) && text.bytes().any(|byte| byte != b'.')
}

/// A message by its id: how many notices it brought, or none when it is of no known shape.
type Part = (String, Option<usize>);

fn flat(messages: Vec<Message>) -> (Vec<Notice>, Vec<Part>) {
    let (mut notices, mut parts) = (Vec::new(), Vec::new());
    for message in messages {
        parts.push((message.id, message.notices.as_ref().ok().map(Vec::len)));
        notices.extend(message.notices.unwrap_or_default());
    }
    (notices, parts)
}

/// Which messages the queue is to give again.
fn partial(messages: Vec<Part>, done: &[Done], log: &Log, metrics: &mut Metrics) -> Value {
    let (mut failures, mut rest) = (Vec::new(), done);
    for (id, notices) in messages {
        let Some(count) = notices else {
            metrics.add(Metric::MessagesUnknown, 1);
            log.write(Level::Error, "a message has no known shape", &[("message_id", Value::from(id.clone()))]);
            failures.push(json!({"itemIdentifier": id}));
            continue;
        };
        let (own, others) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        rest = others;
        if let Some(error) = own.iter().find_map(|done| done.as_ref().err()) {
            metrics.add(Metric::Failures, 1);
            let level = if error.retryable() { Level::Warn } else { Level::Error };
            let fields = [
                ("message_id", Value::from(id.clone())),
                ("kind", Value::from(kind(error))),
                ("problem", Value::from(error.to_string())),
            ];
            log.write(level, "a message failed; the queue gives it again", &fields);
            failures.push(json!({"itemIdentifier": id}));
        }
    }
    json!({"batchItemFailures": failures})
}

/// The answer to a request. Work that was handed back before the deadline is no failure: the same request goes on.
fn reply<F: Function>(job: &Job, done: Vec<Done>, metrics: &Metrics) -> Result<Value, StepError> {
    let mut more = false;
    for one in done {
        match one {
            Ok(()) => {}
            Err(error) if Job::is_handed_back(&error) => more = true,
            Err(error) => return Err(error),
        }
    }
    let mut answer = Map::new();
    answer.insert("step".to_owned(), Value::from(F::STEP));
    answer.insert("run_id".to_owned(), Value::from(job.run_id.clone()));
    answer.insert("as_of".to_owned(), Value::from(job.day().to_string()));
    answer.insert("status".to_owned(), Value::from(if more { "more" } else { "done" }));
    answer.extend(metrics.counts());
    answer.extend(job.report());
    Ok(Value::Object(answer))
}

#[cfg(test)]
mod tests {
    use carelake_lake::{ErrorKind, LakeError};

    use super::*;

    fn failed(kind: ErrorKind) -> Done {
        Err(LakeError::new(kind, "writing bronze").into())
    }

    fn failures(messages: &[(&str, Option<usize>)], done: &[Done]) -> Vec<String> {
        let parts = messages.iter().map(|(id, count)| ((*id).to_owned(), *count)).collect();
        let answer = partial(parts, done, &Log::default(), &mut Metrics::default());
        let failures = answer["batchItemFailures"].as_array().unwrap();
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn one_message_of_ten_that_fails_is_given_back_alone() {
        let messages: Vec<(String, Option<usize>)> = (0..10).map(|number| (format!("m{number}"), Some(1))).collect();
        let messages: Vec<(&str, Option<usize>)> = messages.iter().map(|(id, count)| (id.as_str(), *count)).collect();
        let done: Vec<Done> =
            (0..10).map(|number| if number == 6 { failed(ErrorKind::Transient) } else { Ok(()) }).collect();
        assert_eq!(failures(&messages, &done), ["m6"]);
    }

    #[test]
    fn a_message_fails_when_one_of_its_records_does_and_its_neighbours_do_not() {
        let done = [Ok(()), Ok(()), failed(ErrorKind::Denied), Ok(())];
        assert_eq!(failures(&[("a", Some(1)), ("b", Some(2)), ("c", Some(1))], &done), ["b"]);
    }

    #[test]
    fn a_message_without_records_is_done_and_one_of_no_known_shape_is_given_back() {
        assert_eq!(failures(&[("test", Some(0)), ("x", None), ("b", Some(1))], &[Ok(())]), ["x"]);
    }

    #[test]
    fn a_run_id_may_stand_in_a_path() {
        for good in ["scheduled__2026-03-01T00:00:00+00:00", "manual.1"] {
            assert!(is_run_id(good), "{good}");
        }
        for bad in ["", "..", "a/b", "Maria Muster", "x\n"] {
            assert!(!is_run_id(bad), "{bad}");
        }
    }

    #[test]
    fn a_deadline_that_has_passed_leaves_no_time() {
        let now = DateTime::from_timestamp_millis(10_000).unwrap();
        assert_eq!(left(10_500, now), Duration::from_millis(500));
        assert_eq!(left(9_000, now), Duration::ZERO);
    }
}
