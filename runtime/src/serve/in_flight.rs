//! How many requests of a rule or call run at one time.
//!
//! Counted for the whole proxy, over snapshots, from the choice of the rule until the last byte of the answer. All operations
//! of a call are one.

use weft_snapshot::Reason;
use weft_snapshot::settings::Role;

use super::target::Asked;
use crate::shared::Place;
use crate::worker::Link;

/// The place of a request that is forwarded; none where there is no limit.
///
/// # Errors
///
/// When all places are taken.
pub(super) fn enter(link: &Link, asked: &Asked<'_>) -> Result<Option<Place>, Reason> {
    let Some(most) = asked.route.outcome().policy().max_in_flight else {
        return Ok(None);
    };
    let counted = match asked.listener.role {
        // At the outbound side of a sidecar the host is the service called.
        Role::Outbound => asked.route.host(),
        Role::Edge | Role::Inbound => asked.route.id(),
    };
    let place = link.worker.shared.gauges.take(counted, most);
    place.map(Some).ok_or(Reason::TooManyInFlight)
}
