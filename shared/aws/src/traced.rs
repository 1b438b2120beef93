//! An invocation that tells OpenLineage of its beginning and its end.

use std::time::Instant;

use carelake_ingest::StepError;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::job::Job;
use crate::lake::Place;
use crate::lineage::{Buckets, Invocation, Parents, Transport};
use crate::log::{Level, Log};

/// What is told of an invocation; of nothing, where events go nowhere.
pub struct Traced {
    told: Option<(Transport, Invocation)>,
    log: Log,
    began: (DateTime<Utc>, Instant),
    lost: u64,
}

impl Traced {
    /// Tells that it begins.
    pub async fn begin(
        place: &Place,
        log: &Log,
        parents: Option<Parents>,
        request_id: &str,
        now: DateTime<Utc>,
    ) -> Self {
        let config = &place.config;
        let buckets = Buckets {
            lake: config.lake.clone(),
            identity: config.identity.clone(),
            landing: config.landing.clone().unwrap_or_default(),
        };
        let invocation = Invocation {
            namespace: config.namespace.clone(),
            function: config.function.clone(),
            request_id: request_id.to_owned(),
            parents,
            buckets,
        };
        let told = place.lineage.clone().map(|transport| (transport, invocation));
        let mut traced = Self { told, log: log.clone(), began: (now, Instant::now()), lost: 0 };
        if let Some((_, invocation)) = &traced.told {
            let event = invocation.began(now);
            traced.send(&event).await;
        }
        traced
    }

    /// Tells how it ended; how many events did not arrive.
    pub async fn end(mut self, job: &Job, error: Option<&StepError>) -> u64 {
        let error = error.filter(|error| !Job::is_handed_back(error)).map(ToString::to_string);
        let elapsed = TimeDelta::from_std(self.began.1.elapsed()).unwrap_or_default();
        if let Some((_, invocation)) = &self.told {
            let event = invocation.ended(self.began.0 + elapsed, &job.touched(), error.as_deref());
            self.send(&event).await;
        }
        self.lost
    }

    async fn send(&mut self, event: &Value) {
        let Some((transport, _)) = &self.told else { return };
        if let Err(problem) = transport.send(event).await {
            self.lost += 1;
            self.log.write(Level::Warn, "an event of lineage was lost", &[("problem", Value::from(problem))]);
        }
    }
}
