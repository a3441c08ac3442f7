//! One snapshot with the worker's own state beside it: counters by route, turns of shares, endpoints.

use std::cell::{Cell, OnceCell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use weft_snapshot::repeat::Budget;
use weft_snapshot::view::Route;

use super::Worker;
use crate::shared::{Active, ActiveCluster, RouteCounters};
use crate::upstream::{Credentials, Endpoint, Split};

/// One snapshot as one worker uses it. Lives as long as the last request that pinned it.
pub(crate) struct View {
    pub(crate) active: Arc<Active>,
    routes: RefCell<Vec<Option<Rc<RouteState>>>>,
    clusters: Vec<OnceCell<Rc<ClusterState>>>,
}

impl View {
    pub(super) fn new(active: Arc<Active>) -> Self {
        let clusters = active.clusters.iter().map(|_| OnceCell::new()).collect();
        Self {
            active,
            routes: RefCell::new(Vec::new()),
            clusters,
        }
    }

    /// The state of `route`, made when its first request comes.
    pub(crate) fn route(&self, worker: &Worker, route: &Route<'_>) -> Rc<RouteState> {
        let Ok(index) = usize::try_from(route.index()) else {
            return Rc::new(RouteState::new(worker, route));
        };
        let mut routes = self.routes.borrow_mut();
        if routes.len() <= index {
            routes.resize_with(index + 1, || None);
        }
        let Some(slot) = routes.get_mut(index) else {
            return Rc::new(RouteState::new(worker, route));
        };
        Rc::clone(slot.get_or_insert_with(|| Rc::new(RouteState::new(worker, route))))
    }

    /// The state of the cluster at `position`; none when the slice has no such cluster.
    pub(crate) fn cluster(&self, worker: &Worker, position: u32) -> Option<Rc<ClusterState>> {
        let position = usize::try_from(position).ok()?;
        let cluster = self.active.clusters.get(position)?;
        let state = self.clusters.get(position)?;
        let make = || Rc::new(ClusterState::new(worker, cluster));
        Some(Rc::clone(state.get_or_init(make)))
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("View")
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

/// What a worker keeps for one route.
#[derive(Debug)]
pub(crate) struct RouteState {
    pub(crate) counters: Arc<RouteCounters>,
    pub(crate) split: RefCell<Split>,
}

impl RouteState {
    fn new(worker: &Worker, route: &Route<'_>) -> Self {
        Self {
            counters: worker.counters.route(route.id()),
            split: RefCell::new(Split::default()),
        }
    }
}

/// What a worker keeps for one cluster.
#[derive(Debug)]
pub(crate) struct ClusterState {
    pub(crate) cluster: Arc<ActiveCluster>,
    pub(crate) budget: Rc<Budget>,
    pub(crate) turn: Cell<usize>,
    resolved: RefCell<Option<Resolved>>,
}

/// The endpoints of a list of addresses and what is shown to them; kept while both are the same.
#[derive(Debug)]
struct Resolved {
    addresses: Arc<Vec<SocketAddr>>,
    credentials: Credentials,
    endpoints: Rc<[Rc<Endpoint>]>,
}

impl ClusterState {
    fn new(worker: &Worker, cluster: &Arc<ActiveCluster>) -> Self {
        Self {
            cluster: Arc::clone(cluster),
            budget: worker.pool.budget(&cluster.settings.name),
            // Workers start at different places, or all first requests would meet one endpoint.
            turn: Cell::new(fastrand::usize(..1024)),
            resolved: RefCell::new(None),
        }
    }

    /// The endpoints now.
    pub(crate) fn endpoints(&self, worker: &Worker) -> Rc<[Rc<Endpoint>]> {
        let addresses = self.cluster.endpoints.addresses.load();
        let credentials = Credentials::now(worker, &self.cluster);
        if let Some(resolved) = self.resolved.borrow().as_ref()
            && resolved.credentials.is_same(&credentials)
            && Arc::ptr_eq(&resolved.addresses, &addresses)
        {
            return Rc::clone(&resolved.endpoints);
        }
        let endpoints: Rc<[Rc<Endpoint>]> = addresses
            .iter()
            .map(|address| worker.pool.endpoint(*address, &self.cluster, &credentials))
            .collect();
        *self.resolved.borrow_mut() = Some(Resolved {
            addresses: Arc::clone(&addresses),
            credentials,
            endpoints: Rc::clone(&endpoints),
        });
        endpoints
    }
}
