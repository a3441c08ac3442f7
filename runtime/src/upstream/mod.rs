//! Everything towards backends: which endpoint, over which connection, how often, and how long.
//!
//! | file | does |
//! |---|---|
//! | `split` | which backend of a route, by exact shares |
//! | `balance` | which endpoint of a cluster |
//! | `pool` | all endpoints of a worker, kept across snapshots |
//! | `endpoint` | one address with its connections |
//! | `credentials` | what an endpoint is shown, and what it is believed by |
//! | `connect` | TCP, TLS, and who answered |
//! | `connecting` | an attempt to connect that several requests wait for |
//! | `trouble` | what went wrong with a try, and what that is called |
//! | `http1` | one request at a time per connection |
//! | `http2` | many requests per connection |
//! | `keep_alive` | how long an idle connection is kept |
//! | `gauge` | bounds what comes before a response head |
//! | `sniff` | tells HTTP/1 where HTTP/2 was expected |
//! | `attempt` | one try, with its limits |
//! | `retry` | whether and when there is another |
//!
//! What may be repeated, and how often, is said in `weft_snapshot::repeat`.

mod attempt;
mod balance;
mod connect;
mod connecting;
mod credentials;
mod endpoint;
mod gauge;
mod http1;
mod http2;
mod keep_alive;
mod pool;
mod retry;
mod sniff;
mod split;
mod trouble;

pub(crate) use attempt::{ConnectionLimits, Failure, Lease, Reuse, send, send_upgrade};
pub(crate) use balance::pick;
pub(crate) use connect::{ConnectError, Security};
pub(crate) use credentials::Credentials;
pub(crate) use endpoint::Endpoint;
pub(crate) use pool::Pool;
pub(crate) use retry::{Retries, retry_after};
pub(crate) use split::Split;
pub(crate) use trouble::Trouble;
