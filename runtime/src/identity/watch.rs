//! Keeps the identity of the node fresh. A set of files that is bad or half-written changes nothing.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls_pki_types::UnixTime;

use super::hints::Hints;
use super::load::{Identity, IdentityFiles};
use super::status::IdentityStatus;

/// What changed when an identity was replaced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rotation {
    /// The certificate. Connections of the old one may live on.
    Certificate,
    /// The trust bundle. Connections of the old one may be with peers that are no longer believed.
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
    let mut hints = Hints::new();
    loop {
        hints.listen(&directories);
        if let Some(rotation) = refresh(files, slot, status) {
            rotated(rotation);
        }
        hints.next().await;
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
    let fresh = match Identity::load_files(files, UnixTime::now()) {
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
    let same_trust = old.is_some_and(|old| old.trust_digest == fresh.trust_digest);
    tracing::info!(
        identity = %fresh.spiffe_id, not_after_unix = fresh.not_after_unix, digest = %fresh.digest,
        "identity rotated"
    );
    slot.store(Some(Arc::new(fresh)));
    status.rotated();
    Some(if same_trust {
        Rotation::Certificate
    } else {
        Rotation::Trust
    })
}
