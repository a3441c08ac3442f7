//! Snapshots made on the spot and delivered to a folder, and a small HTTP client to see who answers.
//!
//! Use it with `#[path = "common/delivery.rs"] mod delivery;`.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use weft_runtime::control::Proxy;
use weft_runtime::settings::Settings;
use weft_snapshot::NodeSettings;
use weft_snapshot::layout::{Bundle, OCI_LAYOUT};
use weft_snapshot::origins::OriginsPlan;
use weft_snapshot::plan::{Action, HostPlan, NodePlan, Outcome, PathPattern, RoutePlan, TablePlan};
use weft_snapshot::settings::{HeadRules, Listener, ListenerSecurity, PathRules, Role};

/// The node of all these snapshots.
pub(crate) const NODE: &str = "gateway/public";

/// A folder with snapshots, and a port nobody else uses.
pub(crate) struct Dist {
    pub(crate) folder: TempDir,
    pub(crate) port: u16,
}

impl Dist {
    /// Nothing delivered yet.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
        }
    }

    /// The proxy where another user can run it, once the folder is open to them: the folders above that of the build may not be.
    pub(crate) fn executable_for_others(&self) -> PathBuf {
        let copy = self.folder.path().join("weft-proxy");
        // Written by another process: a child that another test starts meanwhile would hold the file open for writing.
        let mut command = std::process::Command::new("cp");
        command.arg(env!("CARGO_BIN_EXE_weft-proxy")).arg(&copy);
        assert!(command.status().unwrap().success());
        copy
    }

    /// The folder given to the proxy.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("dist")
    }

    /// The folder for the state of the proxy.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Settings of a proxy that reads this folder.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::embedded(self.path(), NODE);
        settings.soak = Duration::from_millis(1);
        settings.poll = Duration::from_millis(200);
        settings.limits.drain = Duration::from_secs(5);
        settings
    }

    /// Publishes a snapshot whose only route answers with `text`.
    pub(crate) fn deliver(&self, text: &str, generation: u64) {
        self.publish(&bundle(&plan(self.port, text)), generation);
    }

    /// Publishes `bundle`.
    pub(crate) fn publish(&self, bundle: &Bundle, generation: u64) {
        write_layout(&self.path(), bundle);
        self.index(&write_manifest(&self.path(), bundle, generation));
    }

    /// The same, with `oci-layout` left as it is.
    pub(crate) fn deliver_index(&self, text: &str, generation: u64) {
        let bundle = bundle(&plan(self.port, text));
        write_blobs(&self.path(), &bundle);
        self.index(&write_manifest(&self.path(), &bundle, generation));
    }

    /// Publishes whatever `bytes` are as the index.
    pub(crate) fn index(&self, bytes: &[u8]) {
        let temporary = self.path().join("index.json.new");
        fs::write(&temporary, bytes).unwrap();
        fs::rename(temporary, self.path().join("index.json")).unwrap();
    }

    /// What the proxy on this port answers; empty when it does not.
    pub(crate) fn answer(&self) -> String {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        get(address, "/")
            .map(|(_status, body)| body)
            .unwrap_or_default()
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Writes the blobs of `bundle`, without a manifest and an index.
pub(crate) fn write_layout(folder: &Path, bundle: &Bundle) {
    fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
    fs::write(folder.join("oci-layout"), OCI_LAYOUT).unwrap();
    write_blobs(folder, bundle);
}

fn write_blobs(folder: &Path, bundle: &Bundle) {
    for (digest, bytes) in &bundle.blobs {
        fs::write(folder.join(digest.blob_path()), bytes).unwrap();
    }
}

/// Writes the manifest of `bundle` as `generation`, and gives the index that names it.
pub(crate) fn write_manifest(folder: &Path, bundle: &Bundle, generation: u64) -> Vec<u8> {
    let numbered = bundle.numbered(generation);
    let path = folder.join(numbered.descriptor.digest.blob_path());
    fs::write(path, numbered.manifest).unwrap();
    numbered.index
}

/// A whole snapshot with the one slice of `plan`.
pub(crate) fn bundle(plan: &NodePlan) -> Bundle {
    bundle_of(plan.encode().unwrap())
}

/// A whole snapshot with whatever `slice` is.
pub(crate) fn bundle_of(slice: Vec<u8>) -> Bundle {
    Bundle::new(
        "shop",
        vec![(NODE.to_owned(), slice)],
        OriginsPlan::default().encode(),
    )
}

/// One listener on `port`, one route that answers everything with `text`.
pub(crate) fn plan(port: u16, text: &str) -> NodePlan {
    let host = HostPlan {
        host: "*".to_owned(),
        routes: vec![route(text)],
    };
    NodePlan {
        settings: NodeSettings {
            node: NODE.to_owned(),
            mesh: "shop".to_owned(),
            trust_domain: "shop.example".to_owned(),
            snapshot_header: true,
            listeners: vec![listener(port)],
            clusters: Vec::new(),
            certificates: Vec::new(),
        },
        tables: vec![TablePlan { hosts: vec![host] }],
        access: Vec::new(),
    }
}

/// Adds a listener on `port` that answers like the first one.
pub(crate) fn add_listener(plan: &mut NodePlan, port: u16) {
    let mut listener = listener(port);
    listener.table = u32::try_from(plan.tables.len()).unwrap();
    plan.tables.push(plan.tables[0].clone());
    plan.settings.listeners.push(listener);
}

fn listener(port: u16) -> Listener {
    Listener {
        name: format!("web-{port}"),
        role: Role::Edge,
        address: [127, 0, 0, 1].into(),
        port,
        security: ListenerSecurity::Plaintext,
        hosts: vec!["*".to_owned()],
        table: 0,
        trusted_hops: 0,
        path: PathRules::default(),
        heads: HeadRules::MESH,
        default_certificate: None,
    }
}

/// A route that answers every path with `text`.
pub(crate) fn route(text: &str) -> RoutePlan {
    RoutePlan {
        id: "all/0".to_owned(),
        path: PathPattern::Segments {
            segments: Vec::new(),
            rest: true,
        },
        methods: Vec::new(),
        headers: Vec::new(),
        query: Vec::new(),
        outcome: Outcome::of(Action::Respond {
            status: 200,
            body: text.to_owned(),
            content_type: "text/plain".to_owned(),
        }),
    }
}

/// One request on a connection of its own: status and body.
pub(crate) fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
) -> std::io::Result<(u16, String)> {
    send(address, &format!("{method} {path}"), "host: a.example\r\n")
}

/// A call of the admin endpoint at `address`, such as `POST /drain`, with header lines beside Host: status and body.
pub(crate) fn call_admin(
    address: SocketAddr,
    call: &str,
    more: &str,
) -> std::io::Result<(u16, String)> {
    send(address, call, &format!("host: {address}\r\n{more}"))
}

/// The header line that calls which change something need.
pub(crate) const CHANGES: &str = "x-weft-admin: yes\r\n";

fn send(address: SocketAddr, call: &str, fields: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let head = format!("{call} HTTP/1.1\r\n{fields}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    let body = answer
        .split_once("\r\n\r\n")
        .map_or("", |(_head, body)| body);
    Ok((status, body.to_owned()))
}

/// A GET on a connection of its own.
pub(crate) fn get(address: SocketAddr, path: &str) -> std::io::Result<(u16, String)> {
    request(address, "GET", path)
}

/// A page of the admin endpoint at `address`.
pub(crate) fn admin(address: SocketAddr, path: &str) -> std::io::Result<(u16, String)> {
    call_admin(address, &format!("GET {path}"), "")
}

/// A JSON page of the admin endpoint.
pub(crate) fn page(proxy: &Proxy, path: &str) -> Value {
    let (_status, body) = admin(proxy.admin_address().unwrap(), path).unwrap();
    serde_json::from_str(&body).unwrap()
}

/// Waits until `condition` holds, 10 s at most.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < end, "{what}: not within 10 s");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// Waits until the kept snapshot of `generation` is marked as good.
pub(crate) fn until_good(dist: &Dist, generation: u64) {
    until("the snapshot is good", || {
        let records = fs::read_dir(dist.state().join(NODE).join("records"));
        records.is_ok_and(|entries| {
            entries.filter_map(Result::ok).any(|entry| {
                let bytes = fs::read(entry.path()).unwrap_or_default();
                serde_json::from_slice::<Value>(&bytes)
                    .is_ok_and(|it| it["good"] == true && it["generation"] == generation)
            })
        })
    });
}
