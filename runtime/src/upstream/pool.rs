//! All endpoints of a worker. They are keyed by address, protocol and authentication, never by a snapshot: a
//! reload closes nothing that is still allowed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use weft_snapshot::settings::{UpstreamProtocol, UpstreamSecurity};

use super::{Budget, Endpoint, Security, connect};
use crate::shared::ActiveCluster;
use crate::worker::Worker;

/// What makes two endpoints the same. The client configuration counts by its address in memory, which the
/// endpoint keeps alive: a rotated certificate makes new connections.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Key {
    address: SocketAddr,
    is_http2: bool,
    /// The identity or the DNS name; empty for plaintext.
    name: String,
    config: usize,
}

/// The endpoints and retry budgets of a worker.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    endpoints: RefCell<BTreeMap<Key, Rc<Endpoint>>>,
    budgets: RefCell<BTreeMap<String, Rc<Budget>>>,
    waiting: Cell<usize>,
}

impl Pool {
    /// The budget of the cluster `name`.
    pub(crate) fn budget(&self, name: &str) -> Rc<Budget> {
        let mut budgets = self.budgets.borrow_mut();
        if let Some(budget) = budgets.get(name) {
            return Rc::clone(budget);
        }
        Rc::clone(budgets.entry(name.to_owned()).or_default())
    }

    /// How connections of `cluster` are authenticated now; none for plaintext and before there is an identity.
    #[expect(
        clippy::unused_self,
        reason = "reads as a question to the pool, which keys by the answer"
    )]
    pub(crate) fn client_config(
        &self,
        worker: &Worker,
        cluster: &ActiveCluster,
    ) -> Option<Arc<ClientConfig>> {
        match &cluster.settings.security {
            UpstreamSecurity::Plaintext => None,
            UpstreamSecurity::Mtls { identity: _ } => worker
                .shared
                .identity
                .load()
                .as_ref()
                .map(|own| Arc::clone(&own.client)),
            UpstreamSecurity::Tls { name: _, roots: _ } => cluster.tls.clone(),
        }
    }

    /// The endpoint at `address`, made when it is new.
    pub(crate) fn endpoint(
        &self,
        address: SocketAddr,
        cluster: &ActiveCluster,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Rc<Endpoint> {
        let protocol = cluster.settings.protocol;
        let name = match &cluster.settings.security {
            UpstreamSecurity::Plaintext => String::new(),
            UpstreamSecurity::Mtls { identity } => identity.clone(),
            UpstreamSecurity::Tls { name, roots: _ } => name.clone(),
        };
        let key = Key {
            address,
            is_http2: protocol == UpstreamProtocol::Http2,
            name,
            config: tls.map_or(0, |config| Arc::as_ptr(config).addr()),
        };
        let mut endpoints = self.endpoints.borrow_mut();
        let make = || {
            let security = security(&cluster.settings.security, tls);
            Rc::new(Endpoint::new(address, protocol, security))
        };
        Rc::clone(endpoints.entry(key).or_insert_with(make))
    }

    /// Takes a place among those who wait for a connection; none when all places are taken.
    pub(super) fn wait(&self, places: usize) -> Option<Waiting<'_>> {
        let waiting = self.waiting.get();
        if places <= waiting {
            return None;
        }
        self.waiting.set(waiting + 1);
        Some(Waiting(self))
    }

    /// Drops what was idle for too long and endpoints that nobody refers to.
    pub(crate) fn sweep(&self, now: u64) {
        self.endpoints.borrow_mut().retain(|_, endpoint| {
            endpoint.sweep(now);
            1 < Rc::strong_count(endpoint) || !endpoint.is_unused()
        });
    }

    /// The trust changed: connections to identified peers finish and are made anew.
    pub(crate) fn retire_authenticated(&self) {
        self.endpoints.borrow_mut().retain(|_, endpoint| {
            let is_plaintext = matches!(endpoint.security, Security::Plaintext);
            if !is_plaintext {
                endpoint.retire();
            }
            is_plaintext
        });
    }
}

/// A place among those who wait.
#[derive(Debug)]
pub(super) struct Waiting<'p>(&'p Pool);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.set(self.0.waiting.get().saturating_sub(1));
    }
}

fn security(settings: &UpstreamSecurity, tls: Option<&Arc<ClientConfig>>) -> Security {
    let (name, identity) = match settings {
        UpstreamSecurity::Plaintext => return Security::Plaintext,
        UpstreamSecurity::Mtls { identity } => (
            connect::server_name(identity),
            Some(Arc::from(identity.as_str())),
        ),
        UpstreamSecurity::Tls { name, roots: _ } => (ServerName::try_from(name.clone()).ok(), None),
    };
    match (tls, name) {
        (Some(config), Some(name)) => Security::Tls {
            config: Arc::clone(config),
            name,
            identity,
        },
        (None, _) | (_, None) => Security::Unready,
    }
}
