//! The certificates that a snapshot needs: loaded before it is published, watched afterwards.

use std::path::PathBuf;
use std::sync::Arc;

use rustls_pki_types::UnixTime;
use tokio::sync::{mpsc, watch};
use weft_snapshot::NodeSettings;
use weft_snapshot::settings::{ListenerSecurity, UpstreamSecurity};

use super::Command;
use crate::identity::{self, EdgeStore, Identity, IdentityFiles, IdentityStatus, Rotation};
use crate::shared::Shared;
use crate::source::{Reason, Refusal};

/// Everything about certificates that outlives one snapshot.
#[derive(Debug)]
pub(crate) struct Trust {
    directory: Option<PathBuf>,
    /// Gateway certificates.
    pub(crate) edge: EdgeStore,
    /// How rotation of the own identity fares.
    pub(crate) status: IdentityStatus,
    files: watch::Sender<Option<Arc<IdentityFiles>>>,
}

/// An identity that was loaded for a snapshot and is not in use yet.
#[derive(Debug)]
pub(crate) struct FreshIdentity {
    files: Arc<IdentityFiles>,
    /// The identity itself.
    pub(crate) identity: Arc<Identity>,
}

impl Trust {
    /// Nothing loaded; own certificates will come from `directory`.
    pub(crate) fn new(directory: Option<PathBuf>) -> Self {
        Self {
            directory,
            edge: EdgeStore::default(),
            status: IdentityStatus::default(),
            files: watch::Sender::new(None),
        }
    }

    /// Loads the identity that `settings` needs, unless `current` already is it.
    ///
    /// # Errors
    ///
    /// [`Reason::NoIdentity`] when one is needed and cannot be had.
    pub(crate) fn prepare(
        &self,
        settings: &NodeSettings,
        current: Option<&Identity>,
    ) -> Result<Option<FreshIdentity>, Refusal> {
        if !needs_identity(settings) {
            return Ok(None);
        }
        if current.is_some_and(|it| it.trust_domain().as_str() == settings.trust_domain) {
            return Ok(None);
        }
        let directory = self.directory.as_ref().ok_or_else(|| {
            Refusal::new(
                Reason::NoIdentity,
                "mTLS needs an identity; give `--identity-dir`",
            )
        })?;
        let refused = |error| {
            let message = format!("`{}`: {}", directory.display(), with_causes(&error));
            Refusal::new(Reason::NoIdentity, message)
        };
        let files = IdentityFiles::new(directory, &settings.trust_domain, &settings.node)
            .map_err(refused)?;
        let identity = Identity::load_files(&files, UnixTime::now()).map_err(refused)?;
        files.say_if_key_is_open();
        Ok(Some(FreshIdentity {
            files: Arc::new(files),
            identity: Arc::new(identity),
        }))
    }

    /// Puts `fresh` into use and watches its files from now on.
    pub(crate) fn publish(&self, fresh: FreshIdentity, shared: &Shared) {
        shared.identity.store(Some(fresh.identity));
        self.files.send_replace(Some(fresh.files));
    }

    /// Watches the files of `fresh`, which is in use already.
    pub(crate) fn watch_files(&self, fresh: &FreshIdentity) {
        self.files.send_replace(Some(Arc::clone(&fresh.files)));
    }

    /// Reads every certificate again now. Returns whether the trust bundle changed.
    pub(crate) fn refresh(&self, shared: &Shared) -> bool {
        self.edge.refresh();
        let files = self.files.borrow().clone();
        let rotation =
            files.and_then(|files| identity::refresh(&files, &shared.identity, &self.status));
        match rotation {
            Some(Rotation::Trust) => true,
            Some(Rotation::Certificate) | None => false,
        }
    }

    /// Rotates the own identity for ever; tells `commands` when the trust bundle changed.
    pub(crate) async fn keep_identity(&self, shared: &Shared, commands: &mpsc::Sender<Command>) {
        let mut replaced = self.files.subscribe();
        loop {
            let files = replaced.borrow_and_update().clone();
            let watching = async {
                let Some(files) = files else {
                    return std::future::pending().await;
                };
                let told = |rotation| match rotation {
                    Rotation::Trust => {
                        // A full queue means the control loop is about to act anyway.
                        let _full = commands.try_send(Command::TrustChanged);
                    }
                    Rotation::Certificate => {}
                };
                identity::watch(&files, &shared.identity, &self.status, told).await;
            };
            tokio::select! {
                outcome = replaced.changed() => if outcome.is_err() { return },
                () = watching => return,
            }
        }
    }
}

fn needs_identity(settings: &NodeSettings) -> bool {
    let listens = settings
        .listeners
        .iter()
        .any(|listener| match listener.security {
            ListenerSecurity::Mtls | ListenerSecurity::Permissive { .. } => true,
            ListenerSecurity::Plaintext | ListenerSecurity::Tls { .. } => false,
        });
    let calls = settings
        .clusters
        .iter()
        .any(|cluster| match cluster.security {
            UpstreamSecurity::Mtls { .. } => true,
            UpstreamSecurity::Plaintext | UpstreamSecurity::Tls { .. } => false,
        });
    listens || calls
}

/// An error and its causes in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
