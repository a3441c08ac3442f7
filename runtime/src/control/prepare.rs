//! From a candidate to a snapshot that can be served: everything that can fail happens here.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use http::HeaderValue;
use weft_snapshot::settings::{Cluster, UpstreamProtocol, UpstreamSecurity};

use super::ports;
use super::trust::{FreshIdentity, Trust, with_causes};
use super::upgrade::Inherited;
use crate::endpoints::Registry;
use crate::identity::{Identity, roots_config};
use crate::shared::{Active, ActiveCluster};
use crate::source::{Candidate, Reason, Refusal};

/// A snapshot with all it needs, not yet visible to any request.
#[derive(Debug)]
pub(super) struct Prepared {
    /// What requests will see.
    pub(super) active: Active,
    /// An identity that must be in use first.
    pub(super) identity: Option<FreshIdentity>,
    /// Sockets of addresses that this process did not have before: one per worker, or as many as there were.
    pub(super) bound: Vec<(SocketAddr, Vec<TcpListener>)>,
}

/// What there is already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Present<'p> {
    /// The snapshot that is served.
    pub(super) active: Option<&'p Active>,
    /// The identity in use.
    pub(super) identity: Option<&'p Identity>,
    /// Sockets of the process that ran before.
    pub(super) inherited: Option<&'p Inherited>,
    /// Whether files beside the snapshot (roots of upstreams) are read again.
    pub(super) files: Files,
}

/// What happens to parts that were read from files beside the snapshot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Files {
    /// They are kept while the snapshot names the same ones.
    Kept,
    /// They are read again.
    ReadAgain,
}

/// Prepares `candidate` for `workers` workers.
///
/// # Errors
///
/// The first thing that is wrong; whatever was bound by then is closed again.
pub(super) async fn prepare(
    candidate: &Candidate,
    present: Present<'_>,
    trust: &Trust,
    registry: &Registry,
    workers: usize,
) -> Result<Prepared, Refusal> {
    let attempt = async {
        let settings = candidate.slice.settings();
        let identity = trust.prepare(settings, present.identity)?;
        let ports = ports::ports(settings, &trust.edge)?;
        let mut bound = Vec::new();
        for port in &ports {
            if present
                .active
                .is_none_or(|active| active.port(port.address).is_none())
            {
                let sockets = ports::sockets(port.address, workers, present.inherited)?;
                bound.push((port.address, sockets));
            }
        }
        let clusters = clusters(&settings.clusters, present, registry).await?;
        let header = HeaderValue::from(candidate.generation);
        let active = Active {
            generation: candidate.generation,
            generation_header: settings.snapshot_header.then_some(header),
            digest: candidate.slice_digest.to_string(),
            manifest: candidate.manifest.to_string(),
            slice: Arc::clone(&candidate.slice),
            origins: Arc::clone(&candidate.origins),
            clusters,
            ports: ports.into_iter().map(Arc::new).collect(),
        };
        Ok(Prepared {
            active,
            identity,
            bound,
        })
    };
    let outcome: Result<Prepared, Refusal> = attempt.await;
    outcome.map_err(|refusal| refusal.of_generation(candidate.generation))
}

async fn clusters(
    settings: &[Cluster],
    present: Present<'_>,
    registry: &Registry,
) -> Result<Vec<Arc<ActiveCluster>>, Refusal> {
    let sources: Vec<_> = settings.iter().map(|cluster| &cluster.endpoints).collect();
    let cells = registry.cells(&sources).await;
    let ready = settings
        .iter()
        .zip(cells)
        .enumerate()
        .map(|(position, (cluster, endpoints))| {
            let known = present
                .active
                .and_then(|active| active.clusters.get(position));
            if let Some(known) = known
                && known.settings == *cluster
                && Arc::ptr_eq(&known.endpoints, &endpoints)
                && (present.files == Files::Kept || known.tls.is_none())
            {
                return Ok(Arc::clone(known));
            }
            let tls = tls(cluster)?;
            Ok(Arc::new(ActiveCluster {
                settings: cluster.clone(),
                endpoints,
                tls,
            }))
        });
    ready.collect()
}

fn tls(cluster: &Cluster) -> Result<Option<Arc<rustls::ClientConfig>>, Refusal> {
    let UpstreamSecurity::Tls { roots, .. } = &cluster.security else {
        return Ok(None);
    };
    let config = roots_config(Path::new(roots)).map_err(|error| {
        let message = format!("cluster `{}`: {}", cluster.name, with_causes(&error));
        Refusal::new(Reason::BadRoots, message)
    })?;
    Ok(Some(match cluster.protocol {
        UpstreamProtocol::Http1 => config.http1,
        UpstreamProtocol::Http2 => config.http2,
    }))
}
