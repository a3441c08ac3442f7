//! Chooses the first snapshot.
//!
//! DIST is asked first. When it is away, bad, older than what was served here, or killed the proxy several
//! times in a row, the newest good snapshot of the state folder serves instead: stale and said so. Only a
//! proxy that has neither does not start.

use super::prepare::{Files, Prepared, Present, prepare};
use super::status::{ServedFrom, Status};
use super::trust::Trust;
use super::upgrade::Inherited;
use crate::endpoints::Registry;
use crate::settings::Settings;
use crate::source::fence::Fence;
use crate::source::fetch::Source;
use crate::source::health::StateHealth;
use crate::source::record::STARTS_WITHOUT_SOAK;
use crate::source::state::{Start, StateDir};
use crate::source::{Candidate, Reason, Refusal};

/// What the first snapshot is chosen with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boot<'b> {
    pub(super) settings: &'b Settings,
    pub(super) source: &'b Source,
    pub(super) state: Option<&'b StateDir>,
    pub(super) health: &'b StateHealth,
    pub(super) fence: &'b Fence,
    pub(super) trust: &'b Trust,
    pub(super) registry: &'b Registry,
    pub(super) status: &'b Status,
    pub(super) inherited: &'b Inherited,
}

/// The snapshot to start with.
#[derive(Debug)]
pub(super) struct First {
    pub(super) candidate: Candidate,
    pub(super) prepared: Prepared,
    pub(super) served_from: ServedFrom,
    /// The bytes of the index in DIST that were taken or refused; empty when there were none.
    pub(super) index: Vec<u8>,
}

impl Boot<'_> {
    /// Chooses, and counts the start in the state folder.
    ///
    /// # Errors
    ///
    /// Why DIST was refused, when there is no way back either.
    pub(super) async fn choose(&self) -> Result<First, Refusal> {
        let mut index = Vec::new();
        let refusal = match self.first_of_source(&mut index).await {
            Ok(first) => return Ok(self.begin(first)),
            Err(refusal) => refusal,
        };
        self.status.refused(&refusal);
        tracing::error!(
            reason = refusal.reason.name(),
            generation = refusal.generation,
            message = refusal.message,
            "the snapshot is refused at the start"
        );
        if let Some(first) = self.first_of_state(&index).await {
            return Ok(self.begin(first));
        }
        if refusal.reason == Reason::CrashedBefore {
            tracing::warn!("there is no good snapshot to go back to: trying the refused one again");
            return self
                .first_of_source_in_spite_of_crashes(index)
                .await
                .map(|it| self.begin(it));
        }
        Err(refusal)
    }

    fn begin(&self, mut first: First) -> First {
        if let Some(state) = self.state {
            let kept = state.begin(&first.candidate, Start::New);
            self.health.note("keep the first snapshot", kept);
        }
        first.candidate.blobs = None;
        first
    }

    async fn first_of_source(&self, index: &mut Vec<u8>) -> Result<First, Refusal> {
        *index = self.source.index()?;
        let candidate = self.source.candidate(index, self.fence, None)?;
        check_crashes(self.state, &candidate, self.fence)?;
        self.ready(candidate, ServedFrom::Source, index.clone())
            .await
    }

    async fn first_of_source_in_spite_of_crashes(&self, index: Vec<u8>) -> Result<First, Refusal> {
        let candidate = self.source.candidate(&index, self.fence, None)?;
        self.ready(candidate, ServedFrom::Source, index).await
    }

    async fn first_of_state(&self, index: &[u8]) -> Option<First> {
        let state = self.state?;
        for record in state.ways_back() {
            let admitted = state.load(&record).and_then(|(parts, blobs)| {
                self.source.admit(record.generation, &parts, blobs, None)
            });
            let outcome = match admitted {
                Ok(candidate) => {
                    self.ready(candidate, ServedFrom::State, index.to_vec())
                        .await
                }
                Err(refusal) => Err(refusal),
            };
            let generation = record.generation;
            match outcome {
                Ok(first) => {
                    tracing::warn!(generation, "serving the last good snapshot instead");
                    return Some(first);
                }
                Err(refusal) => {
                    tracing::error!(generation, %refusal, "a kept snapshot cannot be used");
                }
            }
        }
        None
    }

    async fn ready(
        &self,
        candidate: Candidate,
        served_from: ServedFrom,
        index: Vec<u8>,
    ) -> Result<First, Refusal> {
        let present = Present {
            active: None,
            identity: None,
            inherited: Some(self.inherited),
            files: Files::ReadAgain,
        };
        let workers = self.settings.workers;
        let prepared = prepare(&candidate, present, self.trust, self.registry, workers).await?;
        Ok(First {
            candidate,
            prepared,
            served_from,
            index,
        })
    }
}

/// Refuses a slice that ended the process too often before it was good, unless a person named its
/// generation.
///
/// # Errors
///
/// [`Reason::CrashedBefore`].
pub(super) fn check_crashes(
    state: Option<&StateDir>,
    candidate: &Candidate,
    fence: &Fence,
) -> Result<(), Refusal> {
    let record = state.and_then(|state| state.record(&candidate.slice_digest));
    let generation = candidate.generation;
    if fence.is_named(generation) || !record.is_some_and(|record| record.kills()) {
        return Ok(());
    }
    let message = format!(
        "the proxy ended {STARTS_WITHOUT_SOAK} times before this slice was good; publish another \
         one, or start with `--allow-older-generation {generation}`"
    );
    Err(Refusal::new(Reason::CrashedBefore, message).of_generation(generation))
}
