//! What it takes to run a mesh for real on one machine: certificates, ports, services, proxies, clients.
//!
//! `weft-demo` shows the example `01-shop` with it, and the golden tests serve their cases with it. Nothing
//! here knows how a proxy works inside: proxies are processes, and are spoken to over sockets.
//!
//! | module | gives |
//! |---|---|
//! | [`pki`] | an authority, identities as spiffe-helper writes them, certificates of gateways |
//! | [`ports`] | free loopback ports |
//! | [`publish`] | a spec folder compiled, and a snapshot written or spoiled |
//! | [`proxy`] | a proxy as a child process |
//! | [`service`] | a tiny HTTP service |
//! | [`client`] | a connection and requests on it, over plaintext, TLS or mTLS |
//! | [`load`] | a steady load that counts what it loses |
//! | [`up`] | `weft up` as a child process |
//! | [`demo`] | the demonstration itself |

pub mod client;
pub mod demo;
pub mod load;
pub mod pki;
pub mod ports;
pub mod proxy;
pub mod publish;
pub mod service;
pub mod up;
