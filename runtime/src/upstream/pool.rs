//! All endpoints of a worker. They are keyed by address, protocol and authentication, never by a snapshot: a
//! reload closes nothing that is still allowed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

use weft_snapshot::repeat::Budget;
use weft_snapshot::settings::{UpstreamProtocol, UpstreamSecurity};

use super::Endpoint;
use super::credentials::{Credentials, Mark};
use crate::shared::ActiveCluster;

/// What makes two endpoints the same.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Key {
    address: SocketAddr,
    is_http2: bool,
    /// The identity or the DNS name; empty for plaintext.
    name: String,
    mark: Mark,
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

    /// The endpoint at `address`, made when it is new.
    ///
    /// One that was made with other authorities is judged by those of `credentials` first, so that no request ever
    /// meets a connection of a peer that is not believed any more.
    pub(crate) fn endpoint(
        &self,
        address: SocketAddr,
        cluster: &ActiveCluster,
        credentials: &Credentials,
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
            mark: credentials.mark(),
        };
        let security = credentials.security(&cluster.settings.security);
        let mut endpoints = self.endpoints.borrow_mut();
        if let Some(endpoint) = endpoints.get(&key) {
            if let Credentials::Own(own) = credentials {
                endpoint.renew(security, own);
            }
            return Rc::clone(endpoint);
        }
        let endpoint = Rc::new(Endpoint::new(address, protocol, security));
        endpoints.insert(key, Rc::clone(&endpoint));
        endpoint
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

    /// The endpoints that are believed for their identity.
    pub(crate) fn identified(&self) -> Vec<Rc<Endpoint>> {
        let endpoints = self.endpoints.borrow();
        let identified = endpoints.values().filter(|it| it.is_identified());
        identified.map(Rc::clone).collect()
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
