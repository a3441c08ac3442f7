//! The TLS configurations between proxies: TLS 1.3, certificates on both sides, no early data.
//!
//! Sessions are kept in memory, per configuration and on the server's side only by reference, and no
//! stateless ticket is ever made. A new identity has new configurations, therefore new caches, and
//! whoever resumes an older session finds it gone and has to show its certificate.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::ServerSessionMemoryCache;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ServerConfig, SupportedProtocolVersion};

use super::verifier::SpiffeVerifier;

/// HTTP/2, as ALPN names it.
pub(super) const H2: &[u8] = b"h2";
/// HTTP/1.1, as ALPN names it.
pub(super) const HTTP_1_1: &[u8] = b"http/1.1";
/// HTTP/1.0, as ALPN names it; it is read like HTTP/1.1.
pub(super) const HTTP_1_0: &[u8] = b"http/1.0";
/// What is spoken with the world outside of the mesh. All suites of the provider are AEADs.
pub(super) const OUTSIDE_VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
/// What is spoken between proxies.
const MESH_VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13];
/// Sessions that a server remembers; the oldest are forgotten first.
const SERVER_SESSIONS: usize = 1_024;
/// Servers whose sessions a client remembers.
const CLIENT_SESSIONS: usize = 256;

/// The one provider of cryptography.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// How we answer other proxies: HTTP/2, or HTTP/1.1 when they ask for it.
pub(super) fn server_config(
    key: Arc<CertifiedKey>,
    verifier: Arc<SpiffeVerifier>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(MESH_VERSIONS)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
    config.session_storage = ServerSessionMemoryCache::new(SERVER_SESSIONS);
    config.max_early_data_size = 0;
    Ok(config)
}

/// How we call other proxies: HTTP/2 only.
pub(super) fn client_config(
    key: Arc<CertifiedKey>,
    verifier: Arc<SpiffeVerifier>,
) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(MESH_VERSIONS)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.alpn_protocols = vec![H2.to_vec()];
    config.resumption = Resumption::in_memory_sessions(CLIENT_SESSIONS);
    config.enable_early_data = false;
    Ok(config)
}
