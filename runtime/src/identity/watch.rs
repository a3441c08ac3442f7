//! Keeps the identity of the node fresh. A set of files that is bad or half-written changes nothing.
//!
//! Many write key and certificate in place, one after the other. In between they do not belong together, which
//! is no news: a set that is whole within a second was never bad, as far as logs and counters go.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rustls_pki_types::UnixTime;
use tokio::time::{self, Instant};

use super::hints::DirectoryWatch;
use super::load::{Identity, IdentityError, IdentityFiles};
use super::status::IdentityStatus;

/// From the first bad look at files that changed to the warning about them.
const WHOLE_WITHIN: Duration = Duration::from_secs(1);
/// From one of these looks to the next.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What changed when an identity was replaced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rotation {
    /// The certificate, or authorities that came. Connections live on: all their peers are still believed.
    Certificate,
    /// An authority went. Connections may be with peers that are no longer believed.
    Trust,
}

/// Watches `files` for ever and replaces the identity in `slot` whenever a new good set is there.
///
/// `rotated` is told after each replacement. Dropping the future ends the watch. The old identity is
/// kept on any error, until it expires and peers refuse it; `status` has the error.
pub async fn watch(
    files: &IdentityFiles,
    slot: &ArcSwapOption<Identity>,
    status: &IdentityStatus,
    mut rotated: impl FnMut(Rotation),
) -> Infallible {
    let directories = BTreeSet::from([files.directory().to_owned()]);
    let mut hints = DirectoryWatch::new();
    loop {
        hints.listen(&directories);
        let fresh = patiently(status, || Identity::load_files(files, UnixTime::now())).await;
        if let Some(rotation) = take(fresh, slot, status) {
            files.say_if_key_is_open();
            rotated(rotation);
        }
        hints.next().await;
    }
}

/// Tries until it goes well, for a second from the first failure on; then it is as it is.
///
/// What was refused before for the very same reason is not waited for again.
pub(super) async fn patiently<T, E: Error>(
    status: &IdentityStatus,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let gives_up = Instant::now() + WHOLE_WITHIN;
    loop {
        let outcome = attempt();
        let is_news = outcome.as_ref().is_err_and(|error| !status.is_known(error));
        if !is_news || gives_up <= Instant::now() {
            return outcome;
        }
        time::sleep(LOOK_AGAIN).await;
    }
}

/// Reads `files` once, and replaces the identity in `slot` when they are good and new.
///
/// Also for a signal that asks to read everything again.
pub fn refresh(
    files: &IdentityFiles,
    slot: &ArcSwapOption<Identity>,
    status: &IdentityStatus,
) -> Option<Rotation> {
    take(Identity::load_files(files, UnixTime::now()), slot, status)
}

fn take(
    fresh: Result<Identity, IdentityError>,
    slot: &ArcSwapOption<Identity>,
    status: &IdentityStatus,
) -> Option<Rotation> {
    let fresh = match fresh {
        Ok(fresh) => fresh,
        Err(error) => {
            status.refused(&error);
            return None;
        }
    };
    let old = slot.load_full();
    if old.as_ref().is_some_and(|old| old.digest == fresh.digest) {
        status.unchanged();
        return None;
    }
    let believes_all = old.is_some_and(|old| fresh.believes_all_of(&old));
    tracing::info!(
        identity = %fresh.spiffe_id, not_after_unix = fresh.not_after_unix, digest = %fresh.digest,
        "identity rotated"
    );
    slot.store(Some(Arc::new(fresh)));
    status.rotated();
    Some(if believes_all {
        Rotation::Certificate
    } else {
        Rotation::Trust
    })
}
