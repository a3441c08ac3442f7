//! TLS to upstreams outside of the mesh, which are believed by roots from a file and by their DNS name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::{ClientConfig, RootCertStore};

use super::configs::{H2, HTTP_1_1, OUTSIDE_VERSIONS, provider};
use super::files::{FileError, certificates};

/// Why roots cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The file is bad.
    #[error(transparent)]
    File(#[from] FileError),
    /// TLS cannot be configured with these roots.
    #[error("`{}` does not hold usable roots", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
}

/// The client's side of TLS with one set of roots, by what is spoken inside.
#[derive(Clone, Debug)]
pub struct RootsConfig {
    /// Offers HTTP/1.1 only.
    pub http1: Arc<ClientConfig>,
    /// Offers HTTP/2 only.
    pub http2: Arc<ClientConfig>,
}

/// Reads the roots at `path`; TLS 1.2 or 1.3, no certificate of our own.
///
/// # Errors
///
/// When the file is bad or one of the roots in it cannot be used.
pub fn roots_config(path: &Path) -> Result<RootsConfig, RootsError> {
    let unusable = |source| RootsError::Unusable {
        path: path.to_owned(),
        source,
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(unusable)?;
    }
    let roots = Arc::new(roots);
    Ok(RootsConfig {
        http1: Arc::new(config(&roots, HTTP_1_1).map_err(unusable)?),
        http2: Arc::new(config(&roots, H2).map_err(unusable)?),
    })
}

fn config(roots: &Arc<RootCertStore>, alpn: &[u8]) -> Result<ClientConfig, rustls::Error> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), provider())
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(OUTSIDE_VERSIONS)?
        .with_webpki_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    config.enable_early_data = false;
    Ok(config)
}
