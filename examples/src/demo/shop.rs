//! The shop, running: a copy of the spec, certificates, snapshots, proxies and services, all below one temporary
//! folder and all gone when this is dropped.
//!
//! The second version of `orders` would run on a machine of its own with the same snapshot. Here all machines are
//! one, so its sidecar needs other ports: the spec is built for it with other values, as for another environment.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::TempDir;
use weft_snapshot::layout::Manifest;

use super::apps;
use crate::client::{Protocol, Security};
use crate::pki::Authority;
use crate::ports;
use crate::proxy::{Launch, Proxy};
use crate::publish::{Compiled, Dist, Spec};
use crate::service::Service;

/// The spec, as it is in the repository.
const FILES: [(&str, &str); 4] = [
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
];
const HOSTS: [&str; 2] = ["shop.example", "api.shop.example"];
const TRUST_DOMAIN: &str = "shop.example";

/// Where the parts of one sidecar are.
#[derive(Clone, Copy, Debug)]
struct Places {
    app: SocketAddr,
    inbound: SocketAddr,
    outbound: SocketAddr,
}

impl Places {
    fn free() -> anyhow::Result<Self> {
        Ok(Self {
            app: ports::free_address()?,
            inbound: ports::free_address()?,
            outbound: ports::free_address()?,
        })
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
    authority: Authority,
    dist: Dist,
    dist_v2: Dist,
    proxies: Vec<Proxy>,
    services: Vec<Service>,
}

impl Shop {
    /// Copies the spec and makes the certificates; nothing runs yet.
    pub(super) fn new(executable: PathBuf) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("weft-demo-").tempdir()?;
        let shop = Self {
            executable,
            gateway: ports::free_address()?,
            web: Places::free()?,
            orders: Places::free()?,
            orders_v2: Places::free()?,
            payments: Places::free()?,
            authority: Authority::new(TRUST_DOMAIN)?,
            dist: Dist::new(folder.path().join("dist")),
            dist_v2: Dist::new(folder.path().join("dist-orders-v2")),
            proxies: Vec::new(),
            services: Vec::new(),
            folder,
        };
        for (path, text) in FILES {
            let path = shop.spec_folder().join(path);
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            fs::write(path, text)?;
        }
        let certificates = shop.certificates();
        let public = shop.authority.certificate(&HOSTS)?;
        public.write_pair(
            &certificates.join("public.pem"),
            &certificates.join("public.key"),
        )?;
        fs::write(shop.authority_file(), shop.authority.pem())?;
        Ok(shop)
    }

    /// Compiles the spec as it is now.
    pub(super) fn compile(&self) -> anyhow::Result<Compiled> {
        self.spec(&[("values.yaml", self.values(self.orders))])
            .compile()
    }

    /// Compiles the spec as it is now and publishes the snapshot; says its generation.
    pub(super) fn build(&mut self) -> anyhow::Result<u64> {
        let bundle = self.compile()?.accepted()?;
        let second = self.spec(&[("values.yaml", self.values(self.orders_v2))]);
        self.dist_v2.publish(&second.compile()?.accepted()?)?;
        self.dist.publish(&bundle)
    }

    /// Which slice each node has in the spec as it is now.
    pub(super) fn manifest(&self) -> anyhow::Result<Manifest> {
        Ok(self.compile()?.accepted()?.contents().clone())
    }

    /// Replaces a text that a file of the spec has exactly once.
    pub(super) fn edit(&self, file: &str, old: &str, new: &str) -> anyhow::Result<()> {
        let path = self.spec_folder().join(file);
        let text = fs::read_to_string(&path)?;
        if text.matches(old).count() != 1 {
            bail!("{file} does not have `{old}` exactly once");
        }
        Ok(fs::write(&path, text.replacen(old, new, 1))?)
    }

    /// Starts services and proxies, and waits until all serve.
    pub(super) async fn start(&mut self) -> anyhow::Result<()> {
        let (web, orders, second) = (self.web, self.orders, self.orders_v2);
        self.services = vec![
            apps::web(web.app, web.outbound).await?,
            apps::orders(orders.app, orders.outbound, "orders v1").await?,
            apps::orders(second.app, second.outbound, "orders v2").await?,
            apps::payments(self.payments.app).await?,
        ];
        for (name, node, dist) in [
            ("gateway", "gateway/public", &self.dist),
            ("web", "service/web", &self.dist),
            ("orders", "service/orders", &self.dist),
            ("orders-v2", "service/orders", &self.dist_v2),
            ("payments", "service/payments", &self.dist),
        ] {
            let identity = self.folder.path().join("identities").join(node);
            self.authority.identity(node)?.write_identity(&identity)?;
            self.proxies.push(Proxy::start(Launch {
                executable: self.executable.clone(),
                snapshot: dist.path().to_owned(),
                node: node.to_owned(),
                identity,
                logs: self.folder.path().join("logs"),
                name: name.to_owned(),
                arguments: Vec::new(),
            })?);
        }
        for proxy in &mut self.proxies {
            proxy.ready().await?;
        }
        Ok(())
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
        Security::trusting(&self.authority, Protocol::Http1)
    }

    /// Who signs the identities of the shop.
    pub(super) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Where the sidecar of `payments` listens for other proxies.
    pub(super) fn payments_inbound(&self) -> SocketAddr {
        self.payments.inbound
    }

    /// The snapshot that all proxies but one watch.
    pub(super) fn dist(&mut self) -> &mut Dist {
        &mut self.dist
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
        write!(text, "  the spec is in {}", self.spec_folder().display())?;
        Ok(text)
    }

    fn spec(&self, values: &[(&str, String)]) -> Spec {
        Spec {
            folder: self.spec_folder(),
            values: values
                .iter()
                .map(|(name, text)| ((*name).to_owned(), text.clone()))
                .collect(),
            shown_below: "examples/01-shop/".to_owned(),
            now: None,
        }
    }

    fn values(&self, orders: Places) -> String {
        let Self {
            gateway,
            web,
            payments,
            ..
        } = self;
        let places = |name: &str, places: &Places| {
            let Places {
                app,
                inbound,
                outbound,
            } = places;
            format!("{name}:\n  app: {app}\n  inbound: {inbound}\n  outbound: {outbound}\n")
        };
        format!(
            "gateway:\n  address: {}\n  port: {}\n  certificates: {}\n{}{}{}  endpoint: {}\n  v2: {}\n",
            gateway.ip(),
            gateway.port(),
            self.certificates().display(),
            places("web", web),
            places("payments", payments),
            places("orders", &orders),
            self.orders.inbound,
            self.orders_v2.inbound,
        )
    }

    fn spec_folder(&self) -> PathBuf {
        self.folder.path().join("spec")
    }

    fn certificates(&self) -> PathBuf {
        self.folder.path().join("certificates")
    }

    fn authority_file(&self) -> PathBuf {
        Path::join(&self.certificates(), "authority.pem")
    }
}
