//! Plans and snapshots for measurements.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use weft_snapshot::layout::{Bundle, OCI_LAYOUT};
use weft_snapshot::origins::OriginsPlan;
use weft_snapshot::plan::{
    HostPlan, NodePlan, Outcome, PathPattern, Retry, RoutePlan, Segment, TablePlan, Timeouts,
};
use weft_snapshot::settings::{
    Cluster, Endpoints, HeadRules, Listener, ListenerSecurity, NodeSettings, PathRules, Role,
    UpstreamProtocol, UpstreamSecurity,
};

/// The node of every plan here.
pub const NODE: &str = "gateway/public";

/// A gateway with one plaintext listener and `routes` routes, spread over `hosts` hosts, to one origin.
///
/// One host is `*`; more are `h<N>.bench.example`. Route N is `/svc<N>/api/v<N mod 7>/**`.
pub fn gateway(listen: SocketAddr, origin: SocketAddr, routes: u32, hosts: u32) -> NodePlan {
    let per_host = routes.div_ceil(hosts.max(1));
    let hosts = (0..hosts.max(1)).map(|host| HostPlan {
        host: if hosts < 2 {
            "*".to_owned()
        } else {
            format!("h{host}.bench.example")
        },
        routes: (host * per_host..routes.min((host + 1) * per_host))
            .map(route)
            .collect(),
    });
    NodePlan {
        settings: NodeSettings {
            node: NODE.to_owned(),
            mesh: "bench".to_owned(),
            trust_domain: "bench.example".to_owned(),
            snapshot_header: true,
            listeners: vec![Listener {
                name: "web".to_owned(),
                role: Role::Edge,
                address: listen.ip(),
                port: listen.port(),
                security: ListenerSecurity::Plaintext,
                hosts: vec!["*".to_owned()],
                table: 0,
                trusted_hops: 0,
                path: PathRules::default(),
                heads: HeadRules::MESH,
                default_certificate: None,
            }],
            clusters: vec![Cluster {
                name: "origin".to_owned(),
                protocol: UpstreamProtocol::Http1,
                security: UpstreamSecurity::Plaintext,
                endpoints: Endpoints::Static {
                    addresses: vec![origin],
                },
                keep_alive_millis: 60_000,
                host: None,
            }],
            certificates: Vec::new(),
        },
        tables: vec![TablePlan {
            hosts: hosts.collect(),
        }],
        access: Vec::new(),
    }
}

fn route(number: u32) -> RoutePlan {
    let literal = |text: String| Segment::Literal { text };
    let segments = vec![
        literal(format!("svc{number}")),
        literal("api".to_owned()),
        literal(format!("v{}", number % 7)),
    ];
    RoutePlan {
        id: format!("r{number}/0"),
        path: PathPattern::Segments {
            segments,
            rest: true,
        },
        methods: Vec::new(),
        headers: Vec::new(),
        query: Vec::new(),
        outcome: forward(),
    }
}

fn forward() -> Outcome {
    let mut outcome = Outcome::to(0);
    outcome.timeouts = Timeouts {
        request: Some(15_000),
        backend_request: Some(5_000),
        connect: Some(1_000),
        idle: Some(300_000),
    };
    outcome.policy.retry = Retry {
        attempts: 2,
        on_connect_failure: true,
        on_refused_stream: true,
        budget: Some(200_000),
        backoff_base: 25,
        backoff_max: 250,
        ..Retry::never()
    };
    outcome
}

/// Makes the snapshot of one plan.
///
/// # Errors
///
/// When the plan breaks a rule of slices.
pub fn bundle(plan: &NodePlan) -> anyhow::Result<Bundle> {
    let slice = plan.encode()?;
    let origins = OriginsPlan {
        settings: Vec::new(),
        files: Vec::new(),
        nodes: [(NODE.to_owned(), Vec::new())].into(),
    };
    Ok(Bundle::new(
        "bench",
        vec![(NODE.to_owned(), slice)],
        origins.encode(),
    ))
}

/// Writes the blobs of a snapshot, not its index.
///
/// # Errors
///
/// When the disk says so.
pub fn write_blobs(dist: &Path, bundle: &Bundle) -> anyhow::Result<()> {
    std::fs::create_dir_all(dist.join("blobs/sha256"))?;
    std::fs::write(dist.join("oci-layout"), OCI_LAYOUT)?;
    for (digest, bytes) in &bundle.blobs {
        std::fs::write(dist.join(digest.blob_path()), bytes).context("writing a blob")?;
    }
    Ok(())
}

/// Makes a snapshot whose blobs are there current, by renaming its index into place.
///
/// # Errors
///
/// When the disk says so.
pub fn publish(dist: &Path, bundle: &Bundle, generation: u64) -> anyhow::Result<()> {
    let temporary = dist.join(".index.json.new");
    let numbered = bundle.numbered(generation);
    let manifest = dist.join(numbered.descriptor.digest.blob_path());
    std::fs::write(manifest, numbered.manifest)?;
    std::fs::write(&temporary, numbered.index)?;
    std::fs::rename(&temporary, dist.join("index.json"))?;
    Ok(())
}
