//! What exists before there is a snapshot.

use std::sync::Arc;

use super::boot::{Boot, First};
use super::clock;
use super::keep::Retry;
use super::proxy::StartError;
use super::status::{ServedFrom, Status};
use super::trust::Trust;
use super::upgrade::Inherited;
use crate::endpoints::Registry;
use crate::settings::Settings;
use crate::source::fence::Fence;
use crate::source::fetch::{Keep, Source};
use crate::source::health::StateHealth;
use crate::source::state::{HighestServed, StateDir};

/// The parts that choose the first snapshot and outlive it.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) state: Option<StateDir>,
    pub(super) source: Source,
    pub(super) fence: Fence,
    pub(super) trust: Arc<Trust>,
    pub(super) registry: Arc<Registry>,
    pub(super) status: Arc<Status>,
    pub(super) health: Arc<StateHealth>,
}

impl Ground {
    /// What `settings` ask for, and what the state folder knows.
    pub(super) fn new(settings: &Settings) -> Self {
        let health = Arc::new(StateHealth::default());
        let state = open_state(settings, &health);
        let keep = if state.is_some() {
            Keep::Blobs
        } else {
            Keep::Nothing
        };
        let highest = state.as_ref().map_or(0, highest_served);
        Self {
            source: Source::new(
                (&settings.snapshot, settings.tag.as_deref()),
                &settings.node,
                keep,
            ),
            fence: Fence::new(highest, settings.allow_older_generation),
            trust: Arc::new(Trust::new(settings.identity_dir.clone())),
            registry: Arc::new(Registry::new(settings.resolver)),
            status: Arc::new(Status::new()),
            state,
            health,
        }
    }

    /// Chooses the first snapshot.
    ///
    /// # Errors
    ///
    /// When there is none to serve.
    pub(super) async fn choose(
        &self,
        settings: &Settings,
        inherited: &Inherited,
    ) -> Result<First, StartError> {
        let boot = Boot {
            settings,
            source: &self.source,
            state: self.state.as_ref(),
            health: &self.health,
            fence: &self.fence,
            trust: &self.trust,
            registry: &self.registry,
            status: &self.status,
            inherited,
        };
        boot.choose().await.map_err(StartError::NoSnapshot)
    }

    /// Notes what is served first. Returns when DIST is tried again; absent when it is what is served.
    pub(super) fn note(&mut self, first: &First, settings: &Settings) -> Option<Retry> {
        let First {
            candidate,
            served_from,
            ..
        } = first;
        let (generation, slice) = (candidate.generation, candidate.slice_digest);
        tracing::info!(generation, %slice, from = served_from.name(), "serving");
        self.fence.raise(generation);
        self.status.published(*served_from);
        match served_from {
            ServedFrom::Source => {
                self.status.confirmed();
                None
            }
            ServedFrom::State => Some(Retry::after(settings.poll)),
        }
    }
}

/// Opens the state folder. One that cannot be used is no reason not to serve.
fn open_state(settings: &Settings, health: &StateHealth) -> Option<StateDir> {
    let path = settings.state_dir.as_deref()?;
    match StateDir::open(path, &settings.node) {
        Ok(state) => {
            let count = state.sweep(clock::unix_time());
            if 0 < count {
                tracing::info!(count, "left-over files of the state folder were removed");
            }
            Some(state)
        }
        Err(error) => {
            health.cannot_open(path, &error);
            None
        }
    }
}

fn highest_served(state: &StateDir) -> u64 {
    let HighestServed { generation, fault } = state.highest_served();
    if let Some(fault) = fault {
        tracing::warn!(
            fault,
            generation,
            "the fence of the state folder cannot be read; the records say what was served"
        );
    }
    generation
}
