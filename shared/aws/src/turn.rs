//! The lake's locks, as an invocation holds them: until its end, after which Lambda has killed it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use carelake_ingest::StepError;
use carelake_lake::{ErrorKind, Held, LakeError, LeaseLocks, Locks};
use chrono::{TimeDelta, Utc};
use serde_json::Value;

use crate::job::Job;
use crate::log::Level;

/// What an invocation holds of the lake.
#[derive(Default)]
pub struct Turn(tokio::sync::Mutex<Option<Box<dyn Held>>>);

impl Job {
    /// Takes a place beside others, unless this invocation has one. While somebody is alone at work, it waits as long as
    /// there is time.
    ///
    /// # Errors
    /// A transient one when there is none.
    pub async fn beside_others(&self) -> Result<(), StepError> {
        let mut turn = self.turn.0.lock().await;
        if turn.is_none() {
            let patience = self.left().saturating_sub(self.place.config.reserve);
            *turn = self.locks()?.shared(patience).await?;
        }
        if turn.is_some() { Ok(()) } else { Err(self.hand_back()) }
    }

    /// Takes the lake for this invocation alone. Others begin nothing meanwhile; those at work are waited for, half the
    /// time that is left.
    ///
    /// # Errors
    /// A transient one when they are at work for longer.
    pub async fn alone(&self) -> Result<(), StepError> {
        self.leave().await;
        let mut turn = self.turn.0.lock().await;
        *turn = self.locks()?.exclusive(self.left() / 2).await?;
        let Some(held) = turn.as_ref() else {
            let busy = LakeError::new(ErrorKind::Transient, "waiting for the lake");
            return Err(busy.caused_by("others were at work for all the time; ask again").into());
        };
        self.log.write(Level::Info, "the lake is this invocation's alone", &[("token", Value::from(held.token()))]);
        Ok(())
    }

    /// Sees whether the lock is held still.
    ///
    /// # Errors
    /// When it has run out.
    pub async fn still_alone(&self) -> Result<(), StepError> {
        match self.turn.0.lock().await.as_ref() {
            Some(held) => Ok(held.check().await?),
            None => Err(StepError::Invalid("the lake is not locked".to_owned())),
        }
    }

    /// Gives up what is held. What cannot be given up runs out by itself.
    pub async fn leave(&self) {
        if let Some(held) = self.turn.0.lock().await.take()
            && let Err(error) = held.release().await
        {
            self.log.write(Level::Warn, "the lock was not given back", &[("problem", Value::from(error.to_string()))]);
        }
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    #[expect(clippy::disallowed_methods, reason = "a lease runs out at a time of day")]
    fn locks(&self) -> Result<LeaseLocks, StepError> {
        let left = TimeDelta::from_std(self.left()).unwrap_or_default();
        Ok(LeaseLocks::new(&self.place.lake()?, Utc::now() + left, Arc::new(Utc::now)))
    }
}
