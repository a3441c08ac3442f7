//! What both sides of HTTP/2 share, over the `h2` crate: frames as bytes, bodies in both directions.
//!
//! | file | does |
//! |---|---|
//! | `frames` | finds the frames in the bytes of one direction |
//! | `abuse` | what a peer may do unasked, and why it is cut |
//! | `ledger` | what a peer paid for its control frames, and when it is cut |
//! | `wire` | the bytes of a downstream connection as they pass |
//! | `received` | a body that comes in on a stream |
//! | `pump` | a body that goes out on a stream |
//! | `date` | the `Date` of responses |
//!
//! The connections themselves are in `worker::http2` (downstream) and `upstream::http2`.

mod abuse;
mod date;
mod frames;
mod ledger;
mod pump;
mod received;
mod wire;

pub(crate) use abuse::{Abuse, Allowance};
pub(crate) use date::insert_date;
pub(crate) use pump::{Ended, pump};
pub(crate) use received::Received;
pub(crate) use wire::{Socket, Wire};
