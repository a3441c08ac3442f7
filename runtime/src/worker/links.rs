//! All downstream connections of a worker: counted, ordered, inspected together.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::sync::Notify;

use super::Link;
use super::link::Order;

/// The open downstream connections of a worker.
#[derive(Debug, Default)]
pub(crate) struct Links {
    open: RefCell<BTreeMap<u64, Rc<Link>>>,
    per_port: RefCell<BTreeMap<SocketAddr, usize>>,
    next: Cell<u64>,
    closed: Notify,
}

impl Links {
    pub(super) fn count(&self) -> usize {
        self.open.borrow().len()
    }

    pub(super) fn count_of(&self, port: SocketAddr) -> usize {
        self.per_port.borrow().get(&port).copied().unwrap_or(0)
    }

    /// Every open connection.
    pub(super) fn all(&self) -> Vec<Rc<Link>> {
        self.open.borrow().values().map(Rc::clone).collect()
    }

    /// Gives `order` to every connection that `concerns` picks.
    pub(super) fn order(&self, order: Order, concerns: impl Fn(&Link) -> bool) {
        for link in self.open.borrow().values().filter(|link| concerns(link)) {
            link.order(order);
        }
    }

    pub(super) fn order_all(&self, order: Order) {
        self.order(order, |_any| true);
    }

    /// Those whose peer has a verified identity.
    pub(super) fn identified(&self) -> Vec<Rc<Link>> {
        let open = self.open.borrow();
        let identified = open.values().filter(|link| link.shown().is_some());
        identified.map(Rc::clone).collect()
    }

    pub(super) fn inspect(&self, now: u64) {
        for link in self.open.borrow().values() {
            link.inspect(now);
        }
    }

    /// Resolves when no connection is open.
    pub(super) async fn all_closed(&self) {
        while 0 < self.count() {
            self.closed.notified().await;
        }
    }

    pub(super) fn remove(&self, link: &Link) {
        if self.open.borrow_mut().remove(&link.number).is_none() {
            return;
        }
        link.worker.counters.connections_open.subtract(1);
        if let Some(count) = self.per_port.borrow_mut().get_mut(&link.port) {
            *count = count.saturating_sub(1);
        }
        self.closed.notify_one();
    }

    pub(super) fn next_number(&self) -> u64 {
        let number = self.next.get();
        self.next.set(number.wrapping_add(1));
        number
    }

    pub(super) fn add(&self, link: &Rc<Link>) {
        link.worker.counters.connections_open.add(1);
        *self.per_port.borrow_mut().entry(link.port).or_default() += 1;
        self.open.borrow_mut().insert(link.number, Rc::clone(link));
    }
}
