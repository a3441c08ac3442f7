//! Connections whose listener is gone: the last snapshot that had it decides their requests, until they end.
//!
//! A connection keeps that snapshot also when its address comes back. What is heard there then, e.g. mTLS alone,
//! is not how this connection began.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use super::link::Order;
use super::{Link, Links, View, Worker};
use crate::shared::Active;

impl Worker {
    /// The state of `active`, which need not be the current snapshot.
    pub(super) fn view_of(&self, active: &Arc<Active>) -> Rc<View> {
        let is_same = |view: &Rc<View>| Arc::ptr_eq(&view.active, active);
        if is_same(&self.view.borrow()) {
            return Rc::clone(&self.view.borrow());
        }
        let mut departed = self.departed.borrow_mut();
        departed.retain(|view| 0 < view.strong_count());
        let known = departed
            .iter()
            .find_map(|view| view.upgrade().filter(is_same));
        known.unwrap_or_else(|| {
            let view = Rc::new(View::new(Arc::clone(active)));
            departed.push(Rc::downgrade(&view));
            view
        })
    }
}

impl Links {
    /// Nobody listens at `address` any more: `last` was the last snapshot in which somebody did.
    ///
    /// A connection that waits for its first request is not closed for that: it may have been made a moment ago, and
    /// clients do not repeat the first request of a connection as they do a later one.
    pub(super) fn outlive_listener(&self, address: SocketAddr, last: &Rc<View>) {
        for link in self.all().iter().filter(|link| link.port == address) {
            link.outlive_listener(last);
            if link.has_begun.get() {
                link.order(Order::Drain);
            }
        }
    }
}

impl Link {
    /// The snapshot that decides a request that begins now.
    pub(crate) fn view(&self) -> Rc<View> {
        if let Some(last) = self.last.get() {
            return Rc::clone(last);
        }
        let current = self.worker.view();
        if current.active.port(self.port).is_some() {
            return current;
        }
        // The worker has not been told so far.
        let departed = self.worker.shared.departed.load();
        let Some(departed) = departed.get(&self.port) else {
            return current;
        };
        self.outlive_listener(&self.worker.view_of(&departed.active));
        self.view()
    }

    /// Nobody listens at its address any more: it is told to end, and goes on with `last` until then.
    pub(super) fn outlive_listener(&self, last: &Rc<View>) {
        // It keeps the first one that it was given.
        let _kept = self.last.set(Rc::clone(last));
        self.order(Order::Last);
    }
}
