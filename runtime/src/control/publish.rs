//! The swap: from here on requests see the new snapshot.
//!
//! Nothing here can fail. The order matters: an identity before the snapshot that needs it; the pointer
//! before new sockets accept; old sockets close last.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::time::Instant;

use super::keep::Control;
use super::ports;
use super::prepare::Prepared;
use super::status::ServedFrom;
use crate::shared::{Active, PortSecurity};
use crate::source::Candidate;
use crate::worker::Change;

impl Control {
    /// Makes `prepared` what requests see.
    pub(super) fn publish(
        &mut self,
        candidate: Candidate,
        prepared: Prepared,
        served_from: ServedFrom,
    ) {
        let Prepared {
            active,
            identity,
            bound,
        } = prepared;
        let has_new_trust = identity.is_some();
        if let Some(identity) = identity {
            self.trust.publish(identity, &self.shared);
        }
        let active = Arc::new(active);
        let (before, departed) = self.shared.swap(Arc::clone(&active));
        for (address, sockets) in bound {
            self.fleet.listen(address, sockets);
        }
        for (address, last) in departed {
            self.fleet.stop_listening(address, &last);
        }
        let stricter_ports = stricter(&before, &active);
        if has_new_trust || !stricter_ports.is_empty() {
            self.fleet.swapped(&Change {
                stricter_ports,
                trust: has_new_trust,
            });
        }
        self.retired.push(before);
        self.fence.raise(candidate.generation);
        self.status.published(served_from);
        self.keep(candidate);
    }

    /// Hands the snapshot to the state folder. A slice that is served already goes on with its soak.
    fn keep(&mut self, candidate: Candidate) {
        if let Some(keeper) = &self.keeper
            && (candidate.generation, candidate.manifest)
                != (self.current.generation, self.current.manifest)
        {
            keeper.begin(candidate.clone());
        }
        if candidate.slice_digest != self.current.slice_digest {
            self.soak_ends = Some(Instant::now() + self.settings.soak);
        }
        self.current = candidate;
        // The keeper has the bytes; one copy in memory is enough.
        self.current.blobs = None;
    }
}

/// Ports whose open connections began in a way that is not allowed any more.
///
/// Another certificate of the same kind forbids nothing that was allowed: its connections live on.
fn stricter(before: &Active, after: &Active) -> Vec<SocketAddr> {
    let changed = before.ports.iter().filter(|old| {
        after.port(old.address).is_some_and(|new| {
            let is_edge = |security: &PortSecurity| match security {
                PortSecurity::Edge(_) => true,
                PortSecurity::Plaintext | PortSecurity::Mtls | PortSecurity::Permissive { .. } => {
                    false
                }
            };
            let both_edge = is_edge(&old.security) && is_edge(&new.security);
            !both_edge && !ports::is_same(&old.security, &new.security)
        })
    });
    changed.map(|port| port.address).collect()
}
