//! TLS handshakes in memory, with ourselves and with peers that keep no rules.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, ServerConfig, ServerConnection,
    SignatureScheme, SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// Both ends after a handshake, however it went.
pub(crate) struct Ends {
    pub(crate) client: ClientConnection,
    pub(crate) server: ServerConnection,
    /// Why the client gave up.
    pub(crate) client_error: Option<rustls::Error>,
    /// Why the server gave up.
    pub(crate) server_error: Option<rustls::Error>,
}

impl Ends {
    /// Whether both ends are content.
    pub(crate) fn agreed(&self) -> bool {
        self.client_error.is_none()
            && self.server_error.is_none()
            && !self.client.is_handshaking()
            && !self.server.is_handshaking()
    }
}

/// Connects `client` to `server` in memory, as `name`.
pub(crate) fn connect(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>, name: &str) -> Ends {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut ends = Ends {
        client: ClientConnection::new(Arc::clone(client), name).unwrap(),
        server: ServerConnection::new(Arc::clone(server)).unwrap(),
        client_error: None,
        server_error: None,
    };
    for _round in 0..16 {
        let mut bytes = Vec::new();
        while ends.client.wants_write() {
            ends.client.write_tls(&mut bytes).unwrap();
        }
        let mut quiet = bytes.is_empty();
        let mut unread = bytes.as_slice();
        while !unread.is_empty() && ends.server_error.is_none() {
            ends.server.read_tls(&mut unread).unwrap();
            ends.server_error = ends.server.process_new_packets().err();
        }
        let mut bytes = Vec::new();
        while ends.server.wants_write() {
            ends.server.write_tls(&mut bytes).unwrap();
        }
        quiet &= bytes.is_empty();
        let mut unread = bytes.as_slice();
        while !unread.is_empty() && ends.client_error.is_none() {
            ends.client.read_tls(&mut unread).unwrap();
            ends.client_error = ends.client.process_new_packets().err();
        }
        if quiet {
            break;
        }
    }
    ends
}

/// A client that believes anybody and shows `key`, or nothing.
pub(crate) fn rogue_client(
    key: Option<Arc<CertifiedKey>>,
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Gullible));
    let mut config = match key {
        Some(key) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

/// A server that shows `key` and asks for nothing.
pub(crate) fn rogue_server(
    key: Arc<CertifiedKey>,
    version: &'static SupportedProtocolVersion,
) -> Arc<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Arc::new(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Believes every server.
#[derive(Debug)]
struct Gullible;

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
