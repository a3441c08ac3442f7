//! A mesh on loopback, made from a case: proxies as processes, and a tiny origin behind everything they reach.
//!
//! The spec of a case says `{{ ports.NAME }}` where it wants a free port and `{{ folder }}` where it wants the
//! folder of certificates.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use weft_examples::client::{Answer, Connection, Protocol, Security};
use weft_examples::pki::Authority;
use weft_examples::proxy::{Launch, Proxy, text_at};
use weft_examples::publish::{Compiled, Dist, Spec, Spoil};
use weft_examples::service::Service;
use weft_examples::{load, ports};
use weft_snapshot::Slice;
use weft_snapshot::layout::Bundle;
use weft_snapshot::settings::{
    Endpoints, Listener, ListenerSecurity, NodeSettings, OWN_PROCESS, UpstreamProtocol,
    UpstreamSecurity,
};

use crate::exchange::{Ask, Asker};
use crate::folder::{self, CHANGES, Case};
use crate::origin;

/// The header by which an origin says its name.
pub const ORIGIN: &str = "x-origin";

/// How a mesh is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Further arguments of every proxy.
    pub arguments: Vec<String>,
    /// Whether no origin listens behind plaintext endpoints: others will.
    pub is_bare: bool,
}

/// The running mesh of a case; all of it stops when this is dropped.
#[derive(Debug)]
pub struct Stand {
    case: Case,
    folder: TempDir,
    values: String,
    ports: BTreeMap<String, u16>,
    options: Options,
    attempts: u32,
    dist: Dist,
    authority: Authority,
    nodes: BTreeMap<String, NodeSettings>,
    origins: BTreeMap<SocketAddr, Service>,
    proxies: Vec<Proxy>,
}

impl Stand {
    /// Compiles the case and starts everything.
    ///
    /// # Errors
    ///
    /// When the spec is rejected or something does not start.
    pub async fn start(case: &Case, executable: &Path) -> anyhow::Result<Self> {
        Self::start_with(case, executable, Options::default()).await
    }

    /// As [`Stand::start`], with these options.
    ///
    /// # Errors
    ///
    /// As [`Stand::start`].
    pub async fn start_with(
        case: &Case,
        executable: &Path,
        options: Options,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("weft-case-").tempdir()?;
        let mut values = format!(
            "folder: {}\nports:\n",
            folder.path().join("certificates").display()
        );
        let mut free = BTreeMap::new();
        for name in folder::port_names(&case.path)? {
            let port = ports::free()?;
            writeln!(values, "  {name}: {port}")?;
            free.insert(name, port);
        }
        folder::copy(&case.path, &folder.path().join("spec"))?;
        let mut stand = Self {
            case: case.clone(),
            values,
            ports: free,
            options,
            attempts: 0,
            dist: Dist::new(folder.path().join("dist")),
            authority: Authority::new("shop.example")?,
            nodes: BTreeMap::new(),
            origins: BTreeMap::new(),
            proxies: Vec::new(),
            folder,
        };
        let bundle = stand.compile("spec")?.accepted()?;
        stand.surround(&bundle).await?;
        stand.dist.publish(&bundle)?;
        for node in stand.nodes.keys() {
            stand.proxies.push(stand.launch(node, executable)?);
        }
        for proxy in &mut stand.proxies {
            proxy.ready().await?;
        }
        Ok(stand)
    }

    /// Sends one request.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn ask(&self, ask: &Ask) -> anyhow::Result<Answer> {
        let address = self.address(ask)?;
        let security = self.security(ask)?;
        let name = ask.sni.as_deref().unwrap_or(&ask.call.host);
        let mut connection = Connection::open(address, name, &security, ask.protocol).await?;
        connection.send(&ask.call).await
    }

    /// A steady load of such requests.
    ///
    /// # Errors
    ///
    /// When there is no such listener.
    pub fn load(&self, ask: &Ask) -> anyhow::Result<load::Plan> {
        Ok(load::Plan {
            address: self.address(ask)?,
            security: self.security(ask)?,
            protocol: ask.protocol,
            call: ask.call.clone(),
            connections: 4,
            count_by: ORIGIN,
        })
    }

    /// Lays a change over the spec, builds, and waits until all proxies serve it.
    ///
    /// # Errors
    ///
    /// When the compiler rejects it, or a proxy does not take it.
    pub async fn change(&mut self, name: &str) -> anyhow::Result<()> {
        let bundle = self.attempt(name)?.accepted()?;
        let attempt = self
            .folder
            .path()
            .join(format!("attempt-{}", self.attempts));
        folder::copy(&attempt, &self.folder.path().join("spec"))?;
        self.surround(&bundle).await?;
        let generation = self.dist.publish(&bundle)?;
        for proxy in &self.proxies {
            proxy.serves(generation).await?;
        }
        Ok(())
    }

    /// Compiles the spec with a change laid over it; nothing is published.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn attempt(&mut self, name: &str) -> anyhow::Result<Compiled> {
        self.attempts += 1;
        let attempt = format!("attempt-{}", self.attempts);
        let folder = self.folder.path().join(&attempt);
        folder::copy(&self.folder.path().join("spec"), &folder)?;
        folder::copy(&self.case.path.join(CHANGES).join(name), &folder)?;
        self.compile(&attempt)
    }

    /// Publishes `changes/damaged`, spoiled, and waits until `node` refuses it for `reason`, then undoes the damage.
    ///
    /// # Errors
    ///
    /// When the node does anything else.
    pub async fn spoil(&mut self, node: &str, way: &str, reason: &str) -> anyhow::Result<()> {
        let ways = Spoil::ALL;
        let (_, spoil) = ways
            .iter()
            .find(|(name, _)| *name == way)
            .context("no such way")?;
        // It differs from what is served, because a proxy need not read again what it has.
        let damaged = self.attempt("damaged")?.accepted()?;
        let before = self.dist.generation();
        self.dist.publish_spoiled(&damaged, node, *spoil)?;
        self.dist.count_from(before + 1);
        let proxy = self
            .proxies
            .iter()
            .find(|proxy| proxy.node() == node)
            .context("no such node")?;
        let seen = proxy
            .snapshot_where(|seen| {
                let is_kept = seen.get("servingLastGood") == Some(&Value::Bool(true));
                text_at(seen, "/lastRefusal/reason") == reason && is_kept
            })
            .await?;
        if seen.get("generation").and_then(Value::as_u64) != Some(before) {
            bail!("{before} was served before, and now: {seen}");
        }
        let generation = self.dist.publish(&self.compile("spec")?.accepted()?)?;
        for proxy in &self.proxies {
            proxy.serves(generation).await?;
        }
        Ok(())
    }

    /// The snapshot of the spec.
    ///
    /// # Errors
    ///
    /// When it is rejected.
    pub fn bundle(&self) -> anyhow::Result<Bundle> {
        self.compile("spec")?.accepted()
    }

    /// The folder of the spec, and the values that fill it in, as text.
    pub fn spec(&self) -> (PathBuf, &str) {
        (self.folder.path().join("spec"), &self.values)
    }

    /// How many requests a node has answered by a route, as its metrics say.
    ///
    /// # Errors
    ///
    /// When nobody answers.
    pub async fn requests_by(&self, node: &str, route: &str) -> anyhow::Result<u64> {
        let text = self.metrics(node).await?;
        let label = format!("weft_requests_total{{route=\"{route}\"");
        let lines = text.lines().filter(|line| line.starts_with(&label));
        let counts = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        Ok(counts.sum())
    }

    /// The metrics of a node, as text.
    ///
    /// # Errors
    ///
    /// When nobody answers.
    pub async fn metrics(&self, node: &str) -> anyhow::Result<String> {
        let proxy = self.proxies.iter().find(|proxy| proxy.node() == node);
        let proxy = proxy.context("no such node")?;
        let answer = proxy.admin("GET", "/metrics").await?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// Where everything is, for programs: `ports` by their names, and of every node `admin` and `pids`.
    pub fn describe(&self) -> Value {
        let proxies = || self.proxies.iter();
        let admin = proxies().map(|proxy| (proxy.node(), proxy.admin_address().to_string()));
        let pids = proxies().map(|proxy| (proxy.node(), proxy.pid()));
        json!({
            "ports": self.ports,
            "admin": admin.collect::<BTreeMap<_, _>>(),
            "pids": pids.collect::<BTreeMap<_, _>>(),
            "authority": self.authority_file(),
        })
    }

    /// What the proxies logged.
    pub fn logs(&self) -> String {
        let logs = self
            .proxies
            .iter()
            .map(|proxy| format!("-- {}\n{}", proxy.node(), proxy.log()));
        logs.collect()
    }

    /// Where a listener is bound.
    ///
    /// # Errors
    ///
    /// When there is no such listener.
    pub fn address(&self, ask: &Ask) -> anyhow::Result<SocketAddr> {
        let listener = self.listener(ask)?;
        Ok(SocketAddr::from(([127, 0, 0, 1], listener.port)))
    }

    /// Stops the origin behind the sidecar of `node`, so that another program can take its place there.
    ///
    /// # Errors
    ///
    /// When the node has no app.
    pub async fn give_up_origin(&mut self, node: &str) -> anyhow::Result<SocketAddr> {
        let settings = self.nodes.get(node).context("no such node")?;
        let cluster = settings
            .clusters
            .iter()
            .find(|cluster| cluster.name == OWN_PROCESS);
        match cluster.map(|cluster| &cluster.endpoints) {
            Some(Endpoints::Static { addresses }) => {
                let address = *addresses.first().context("no address")?;
                if let Some(origin) = self.origins.remove(&address) {
                    origin.stop().await;
                }
                Ok(address)
            }
            Some(Endpoints::Dns { .. } | Endpoints::File { .. }) | None => bail!("no app"),
        }
    }

    /// The authority that signed everything, as a PEM file.
    pub fn authority_file(&self) -> PathBuf {
        self.certificates().join("authority.pem")
    }

    /// The folder with the identity of a node.
    pub fn identity(&self, node: &str) -> PathBuf {
        self.folder.path().join("identities").join(node)
    }

    fn listener(&self, ask: &Ask) -> anyhow::Result<&Listener> {
        let node = self
            .nodes
            .get(&ask.node)
            .with_context(|| format!("no `{}`", ask.node))?;
        let is_it = |listener: &&Listener| listener.name == ask.listener;
        node.listeners
            .iter()
            .find(is_it)
            .with_context(|| format!("no `{}`", ask.listener))
    }

    fn security(&self, ask: &Ask) -> anyhow::Result<Security> {
        let security = &self.listener(ask)?.security;
        match (&ask.asker, security) {
            (Asker::Plain, _) | (Asker::Client, ListenerSecurity::Plaintext) => {
                Ok(Security::Plaintext)
            }
            (Asker::Client, ListenerSecurity::Tls { .. }) => {
                Security::trusting(&self.authority, ask.protocol)
            }
            (Asker::Node(node), _) => {
                Security::peer(Some(&self.authority.identity(node)?), ask.protocol)
            }
            (Asker::Nobody, _) => Security::peer(None, ask.protocol),
            (Asker::Client, ListenerSecurity::Mtls | ListenerSecurity::Permissive { .. }) => {
                bail!("say `as` whom a sidecar is asked")
            }
        }
    }

    fn compile(&self, folder: &str) -> anyhow::Result<Compiled> {
        let mut spec = Spec::new(self.folder.path().join(folder));
        spec.values
            .push((folder::VALUES.to_owned(), self.values.clone()));
        spec.compile()
    }

    fn launch(&self, node: &str, executable: &Path) -> anyhow::Result<Proxy> {
        let identity = self.identity(node);
        self.authority.identity(node)?.write_identity(&identity)?;
        Proxy::start(Launch {
            executable: executable.to_owned(),
            snapshot: self.dist.path().to_owned(),
            node: node.to_owned(),
            identity,
            logs: self.folder.path().join("logs"),
            name: node.replace('/', "."),
            arguments: self.options.arguments.clone(),
        })
    }

    /// Makes what proxies of `bundle` need around them: certificates of listeners, and origins.
    async fn surround(&mut self, bundle: &Bundle) -> anyhow::Result<()> {
        for node in bundle.contents().nodes.keys() {
            let bytes = bundle.slice(node).context("a slice is missing")?;
            let settings = Slice::check(bytes.to_vec())?.settings().clone();
            self.certify(&settings)?;
            let is_wanted = |_: &_| !self.options.is_bare;
            for (address, name, protocol) in reached(&settings).into_iter().filter(is_wanted) {
                if let Entry::Vacant(place) = self.origins.entry(address) {
                    place.insert(origin::start(address, name, protocol).await?);
                }
            }
            self.nodes.insert(node.clone(), settings);
        }
        Ok(())
    }

    fn certify(&self, settings: &NodeSettings) -> anyhow::Result<()> {
        fs::create_dir_all(self.certificates())?;
        fs::write(self.authority_file(), self.authority.pem())?;
        for (position, certificate) in (0_u32..).zip(&settings.certificates) {
            let shows = ListenerSecurity::Tls {
                certificate: position,
            };
            let hosts: BTreeSet<&str> = settings
                .listeners
                .iter()
                .filter(|listener| listener.security == shows)
                .flat_map(|listener| listener.hosts.iter().map(String::as_str))
                .collect();
            let hosts: Vec<&str> = hosts.into_iter().filter(|host| *host != "*").collect();
            let (chain, key) = (Path::new(&certificate.chain), Path::new(&certificate.key));
            if !chain.exists() {
                self.authority.certificate(&hosts)?.write_pair(chain, key)?;
            }
        }
        Ok(())
    }

    fn certificates(&self) -> PathBuf {
        self.folder.path().join("certificates")
    }
}

/// The plaintext endpoints of a node: where it expects an app or a service without a sidecar.
fn reached(settings: &NodeSettings) -> Vec<(SocketAddr, String, Protocol)> {
    let mut reached = Vec::new();
    for cluster in &settings.clusters {
        let Endpoints::Static { addresses } = &cluster.endpoints else {
            continue;
        };
        if cluster.security != UpstreamSecurity::Plaintext {
            continue;
        }
        let name = match cluster.name.as_str() {
            OWN_PROCESS => settings.node.trim_start_matches("service/"),
            name => name,
        };
        let protocol = match cluster.protocol {
            UpstreamProtocol::Http1 => Protocol::Http1,
            UpstreamProtocol::Http2 => Protocol::Http2,
        };
        reached.extend(
            addresses
                .iter()
                .map(|address| (*address, name.to_owned(), protocol)),
        );
    }
    // Nobody listens on port 1: a case asks for an endpoint that is down.
    reached.retain(|(address, _, _)| address.port() != 1);
    reached
}
