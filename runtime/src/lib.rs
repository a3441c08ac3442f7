//! The proxy of Weft: loads a snapshot, obeys it, and swaps it without losing a request.
//!
//! Threads: one worker per core, each with its own current-thread tokio runtime, accept queues, pools
//! and counters; nothing on the request path takes a lock or crosses a thread. One control thread loads
//! snapshots, watches files, resolves names and answers the admin endpoint. They meet in
//! [`shared::Shared`], where each part is an immutable value that is replaced whole.
//!
//! | module | runs on | does |
//! |---|---|---|
//! | [`shared`] | both | what control and workers share |
//! | `settings` | control | the command line |
//! | `control` | control | assembles everything, publishes, drains |
//! | `source` | control | watches DIST, verifies, keeps the last good |
//! | `endpoints` | control | resolves names, watches endpoint files |
//! | `identity` | control | certificates and trust, watched and rotated |
//! | `admin` | control | `/live`, `/ready`, `/snapshot`, `/endpoints`, `/metrics`, `/drain` |
//! | `access_log` | both | one line per request, written by a thread of its own |
//! | `log` | both | the proxy's own log, written by another |
//! | `worker` | workers | accepts, and owns everything below |
//! | `http2` | workers | what both sides of HTTP/2 share |
//! | `serve` | workers | the life of a request |
//! | `upstream` | workers | pools, balancing, retries |

pub mod access_log;
mod admin;
pub mod control;
mod endpoints;
mod http2;
pub mod identity;
mod log;
pub mod process;
mod serve;
pub mod settings;
pub mod shared;
mod source;
mod upstream;
pub mod worker;
