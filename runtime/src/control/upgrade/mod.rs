//! From one process to its successor without closing a socket.
//!
//! | file | does |
//! |---|---|
//! | `offer` | the running proxy: waits for a successor on a unix socket |
//! | `lend` | what the control loop does for one |
//! | `takeover` | the successor: gets the sockets, says when it serves |
//! | `talk` | lines and descriptors over the unix socket |
//!
//! ```text
//! successor   weft-upgrade 1
//! running     port N          with N listening sockets of traffic; as many such lines as it takes
//! running     admin 1         with that of the admin endpoint, when it has one
//! running     end
//!             the successor loads its snapshot and accepts from these very sockets; both serve
//! successor   ready
//!             the running proxy stops accepting, and leaves the admin endpoint
//! running     yours
//!             and drains
//! ```
//!
//! The running proxy says `busy` instead when another successor is about to take over, or when it drains
//! already. Whatever else happens, on either side and at any moment before `ready`, leaves it as it was: the
//! sockets are the same ones, so nobody who waits in their queues is lost. Both sides check that the other
//! one runs as the same user.

mod lend;
mod offer;
mod takeover;
mod talk;

pub(super) use lend::{Ask, Next};
pub(super) use offer::Offer;
pub(super) use takeover::{Inherited, Takeover};

use std::time::Duration;

/// The first line of a successor; the number is that of the protocol.
const HELLO: &str = "weft-upgrade 1";
const PORT: &str = "port";
const ADMIN: &str = "admin";
const END: &str = "end";
const READY: &str = "ready";
const YOURS: &str = "yours";
const BUSY: &str = "busy";

/// How long one side waits for the next line of the other, but for `ready`.
const NEXT_LINE: Duration = Duration::from_secs(5);
/// How long a successor may take from getting the sockets to serving; then it has failed.
const GET_READY: Duration = Duration::from_mins(2);
