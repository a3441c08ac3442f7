//! The shop, running: a copy of the spec below a temporary folder, its services, and `weft up`, which runs its gateway
//! and sidecars on this machine. All of it is gone when this is dropped.
//!
//! The second version of `orders` would run on a machine of its own. Here all machines are one, so `weft up` is told where
//! its process is, and gives it a sidecar of its own.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;
use tempfile::TempDir;

use super::apps;
use crate::client::{Protocol, Security};
use crate::pki::Issued;
use crate::ports;
use crate::proxy::{Proxy, text_at};
use crate::publish::{Compiled, Spec};
use crate::service::Service;
use crate::up::{Event, Up};

/// The spec, as it is in the repository.
const FILES: [(&str, &str); 5] = [
    (
        "platform/mesh.yaml",
        include_str!("../../01-shop/platform/mesh.yaml"),
    ),
    (
        "storefront/web.yaml",
        include_str!("../../01-shop/storefront/web.yaml"),
    ),
    (
        "storefront/orders.yaml",
        include_str!("../../01-shop/storefront/orders.yaml"),
    ),
    (
        "payments/payments.yaml",
        include_str!("../../01-shop/payments/payments.yaml"),
    ),
    (VALUES, include_str!("../../01-shop/values.yaml")),
];
/// The values of production: `weft up` puts other addresses in the place of theirs.
const VALUES: &str = "values.yaml";

/// Where the process of a service is, and where it sends its calls.
#[derive(Clone, Copy, Debug)]
struct Places {
    app: SocketAddr,
    outbound: SocketAddr,
}

impl Places {
    fn free() -> anyhow::Result<Self> {
        Ok(Self {
            app: ports::free_address()?,
            outbound: ports::free_address()?,
        })
    }

    /// The same for `weft up`.
    fn arguments(self, name: &str) -> [String; 4] {
        let at = || "--at".to_owned();
        [
            at(),
            format!("{name}={}", self.app),
            at(),
            format!("{name}/outbound={}", self.outbound),
        ]
    }
}

/// The running shop.
#[derive(Debug)]
pub(super) struct Shop {
    executable: PathBuf,
    folder: TempDir,
    /// The public address of the gateway.
    pub(super) gateway: SocketAddr,
    web: Places,
    orders: Places,
    orders_v2: Places,
    payments: Places,
    up: Option<Up>,
    serving: Value,
    proxies: Vec<Proxy>,
    services: Vec<Service>,
}

impl Shop {
    /// Copies the spec; nothing runs yet.
    pub(super) fn new(executable: PathBuf) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("weft-demo-").tempdir()?;
        let shop = Self {
            executable,
            gateway: ports::free_address()?,
            web: Places::free()?,
            orders: Places::free()?,
            orders_v2: Places::free()?,
            payments: Places::free()?,
            up: None,
            serving: Value::Null,
            proxies: Vec::new(),
            services: Vec::new(),
            folder,
        };
        for (path, text) in FILES {
            let path = shop.spec_folder().join(path);
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            fs::write(path, text)?;
        }
        Ok(shop)
    }

    /// Compiles the spec as it is now, to show what is found.
    pub(super) fn compile(&self) -> anyhow::Result<Compiled> {
        let values = self.spec_folder().join(VALUES);
        let spec = Spec {
            folder: self.spec_folder(),
            values: vec![(VALUES.to_owned(), fs::read_to_string(values)?)],
            shown_below: "examples/01-shop/".to_owned(),
            now: None,
        };
        spec.compile()
    }

    /// Replaces texts that a file of the spec has exactly once, all of them in one write.
    pub(super) fn edit(&self, file: &str, changes: &[(&str, &str)]) -> anyhow::Result<()> {
        let path = self.spec_folder().join(file);
        let mut text = fs::read_to_string(&path)?;
        for (old, new) in changes {
            if text.matches(old).count() != 1 {
                bail!("{file} does not have `{old}` exactly once");
            }
            text = text.replacen(old, new, 1);
        }
        Ok(fs::write(&path, text)?)
    }

    /// Starts the services, and `weft up`, and waits until all serve.
    pub(super) async fn start(&mut self) -> anyhow::Result<()> {
        let (web, orders, second) = (self.web, self.orders, self.orders_v2);
        self.services = vec![
            apps::web(web.app, web.outbound).await?,
            apps::orders(orders.app, orders.outbound, "orders v1").await?,
            apps::orders(second.app, second.outbound, "orders v2").await?,
            apps::payments(self.payments.app).await?,
        ];
        let mut arguments = vec![
            "--values".to_owned(),
            self.spec_folder().join(VALUES).display().to_string(),
            "--at".to_owned(),
            format!("public/web={}", self.gateway),
        ];
        arguments.extend(web.arguments("web"));
        arguments.extend(orders.arguments("orders"));
        arguments.extend(second.arguments("orders@v2"));
        // It calls nobody.
        arguments.extend(self.payments.arguments("payments").into_iter().take(2));
        self.up = Some(Up::start(
            &self.executable,
            &self.spec_folder(),
            &arguments,
        )?);
        self.serving().await?;
        let lines = self.serving.get("proxies").and_then(Value::as_array);
        let lines = lines.context("no proxies in the event")?;
        self.proxies = lines
            .iter()
            .map(Proxy::of_event)
            .collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Waits until the last edit is served by all proxies; says its generation.
    pub(super) async fn serving(&mut self) -> anyhow::Result<u64> {
        let up = self.up.as_mut().context("nothing runs")?;
        self.serving = up.serving().await?;
        self.generation()
    }

    /// Waits for what comes of an edit.
    pub(super) async fn event(&mut self) -> anyhow::Result<Event> {
        self.up.as_mut().context("nothing runs")?.next().await
    }

    /// The generation that was served last.
    pub(super) fn generation(&self) -> anyhow::Result<u64> {
        let generation = self.serving.get("generation").and_then(Value::as_u64);
        generation.context("no generation in the event")
    }

    /// The nodes whose slice the last edit changed.
    pub(super) fn changed(&self) -> Vec<&str> {
        let changed = self.serving.get("changed").and_then(Value::as_array);
        changed
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// The first proxy of a node.
    pub(super) fn proxy(&self, node: &str) -> anyhow::Result<&Proxy> {
        self.proxies
            .iter()
            .find(|proxy| proxy.node() == node)
            .with_context(|| format!("no proxy is `{node}`"))
    }

    /// How many proxies and services run.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.proxies.len(), self.services.len())
    }

    /// How clients of the shop connect.
    pub(super) fn edge(&self) -> anyhow::Result<Security> {
        let root = CertificateDer::from_pem_file(self.authority_file())?;
        Security::trusting_root(root, Protocol::Http1)
    }

    /// The identity that `weft up` made for a node.
    pub(super) fn identity(&self, node: &str) -> anyhow::Result<Issued> {
        Issued::read_identity(self.proxy(node)?.identity())
    }

    /// Where the sidecar of `payments` listens for other proxies.
    pub(super) fn payments_inbound(&self) -> anyhow::Result<SocketAddr> {
        let lines = self.serving.get("proxies").and_then(Value::as_array);
        let mut lines = lines.into_iter().flatten();
        let line = lines.find(|line| text_at(line, "/node") == "service/payments");
        let listeners = line.and_then(|line| line.get("listeners")?.as_array());
        let mut listeners = listeners.into_iter().flatten();
        let inbound = listeners.find(|listener| text_at(listener, "/role") == "inbound");
        let inbound = inbound.context("no inbound side of payments")?;
        Ok(text_at(inbound, "/address").parse()?)
    }

    /// The snapshot that all proxies but one watch.
    pub(super) fn snapshot(&self) -> &Path {
        Path::new(text_at(&self.serving, "/snapshot"))
    }

    /// Commands for a person, while everything runs.
    pub(super) fn how_to_ask(&self) -> anyhow::Result<String> {
        let mut text =
            String::from("\neverything keeps running; Ctrl-C ends it. From another terminal:\n");
        for (host, path) in [("shop.example", "/"), ("api.shop.example", "/orders/7")] {
            writeln!(
                text,
                "  curl --cacert {} --resolve {host}:{port}:127.0.0.1 -i https://{host}:{port}{path}",
                self.authority_file().display(),
                port = self.gateway.port(),
            )?;
        }
        write!(
            text,
            "  the spec is in {}; edits are followed",
            self.spec_folder().display()
        )?;
        Ok(text)
    }

    fn spec_folder(&self) -> PathBuf {
        self.folder.path().join("spec")
    }

    fn authority_file(&self) -> &Path {
        Path::new(text_at(&self.serving, "/authority"))
    }
}
