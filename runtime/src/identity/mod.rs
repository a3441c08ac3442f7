//! Who we are and whom we believe: SPIFFE identities, gateway certificates and trust, watched and rotated.
//!
//! Everything here is an immutable value that is replaced whole. An [`Identity`] carries its own TLS
//! configurations, so their session caches end with it: no ticket survives a new certificate or a
//! new trust bundle. Resumption skips certificate verifiers by design of TLS, therefore
//! [`Identity::peer`] is asked again on every connection, resumed ones too.
//!
//! | file | does |
//! |---|---|
//! | `spiffe_id` | what a SPIFFE ID is, strictly |
//! | `leaf` | what a certificate of a workload must be, beyond its chain |
//! | `verifier` | chain, leaf rules and trust domain, for both sides of TLS |
//! | `shown` | what a peer showed, to be judged again when trust narrows |
//! | `tls_error` | what an error of TLS says |
//! | `configs` | the TLS configurations between proxies |
//! | `files` | bounded reading of PEM files; keys are wiped |
//! | `load` | one checked set of files becomes an [`Identity`] |
//! | `hints` | wakes when a watched directory may have changed |
//! | `status` | what watching has to say for itself |
//! | `watch` | keeps the identity fresh; a bad set changes nothing |
//! | `edge` | gateway certificates, chosen by SNI, hot |
//! | `roots` | roots of upstreams that are outside of the mesh |
//!
//! It never looks at host names of peers, never asks the network, and never prints a key.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use arc_swap::ArcSwapOption;
//! use weft_runtime::identity::{Identity, IdentityFiles, IdentityStatus, watch};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = Path::new("/run/spiffe");
//! let identity = Identity::load(directory, "shop.example", "service/orders")?;
//! let slot = ArcSwapOption::from_pointee(identity);
//!
//! let files = IdentityFiles::new(directory, "shop.example", "service/orders")?;
//! let status = IdentityStatus::default();
//! watch(&files, &slot, &status, |rotation| println!("{rotation:?}")).await;
//! # Ok(())
//! # }
//! ```

mod configs;
mod edge;
mod files;
mod hints;
mod leaf;
mod load;
mod roots;
mod shown;
mod spiffe_id;
mod status;
mod tls_error;
mod verifier;
mod watch;

pub use edge::{EdgeListener, EdgeStore};
pub use files::FileError;
pub use leaf::{PeerError, peer_identity};
pub use load::{Identity, IdentityError, IdentityFiles};
pub use roots::{RootsConfig, RootsError, roots_config};
pub use shown::{Shown, Side};
pub use spiffe_id::{SpiffeId, SpiffeIdError, TrustDomain};
pub use status::IdentityStatus;
pub(crate) use tls_error::{
    alert_name, alert_sent, broken_rule, is_version, refuses_identity, tls_error,
};
pub use verifier::SpiffeVerifier;
pub use watch::{Rotation, refresh, watch};
