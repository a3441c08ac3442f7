//! A client: one connection, over plaintext, TLS or mTLS, and requests on it.
//!
//! Clients of the mesh's edge check the gateway's certificate. A [`Security::peer`] plays another proxy, or an
//! intruder, and does not care whom it talks to: what is looked at is whether it gets in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper::{HeaderMap, Request, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time;
use tokio_rustls::TlsConnector;

use crate::pki::{Authority, Issued};

/// The longest wait for a connection or an answer; beyond, something hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// The version of HTTP to speak.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, by ALPN or by prior knowledge.
    Http2,
}

impl Protocol {
    fn alpn(self) -> Vec<u8> {
        match self {
            Self::Http1 => b"http/1.1".to_vec(),
            Self::Http2 => b"h2".to_vec(),
        }
    }
}

/// How to secure a connection.
#[derive(Clone, Debug)]
pub enum Security {
    /// Not at all.
    Plaintext,
    /// TLS.
    Tls(Arc<ClientConfig>),
}

impl Security {
    /// TLS that trusts the certificates of `authority`.
    ///
    /// # Errors
    ///
    /// When rustls refuses the certificate.
    pub fn trusting(authority: &Authority, protocol: Protocol) -> anyhow::Result<Self> {
        Self::trusting_root(authority.der(), protocol)
    }

    /// TLS that trusts the certificates below `root`.
    ///
    /// # Errors
    ///
    /// When rustls refuses the certificate.
    pub fn trusting_root(
        root: CertificateDer<'static>,
        protocol: Protocol,
    ) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(root)?;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.alpn()];
        Ok(Self::Tls(Arc::new(config)))
    }

    /// TLS of a peer that shows `identity`, or none, and believes any server.
    ///
    /// # Errors
    ///
    /// When rustls refuses the identity.
    pub fn peer(identity: Option<&Issued>, protocol: Protocol) -> anyhow::Result<Self> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Believer(provider())));
        let mut config = match identity {
            Some(identity) => {
                let (chain, key) = identity.for_client();
                builder.with_client_auth_cert(chain, key.clone_key())?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![protocol.alpn()];
        Ok(Self::Tls(Arc::new(config)))
    }
}

/// What to send.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The scheme, for HTTP/2.
    pub scheme: &'static str,
    /// The host, with a port if one is to be said.
    pub host: String,
    /// The path and query.
    pub target: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Call {
    /// A request without headers and body.
    pub fn new(method: &str, host: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            scheme: "https",
            host: host.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The first value of a header; empty when there is none or it is no text.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One open connection.
#[derive(Debug)]
pub struct Connection {
    sender: Sender,
    driver: JoinHandle<()>,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    /// Connects to `address` as `host`.
    ///
    /// # Errors
    ///
    /// When there is no connection, or no handshake, or neither within the patience of a test.
    pub async fn open(
        address: SocketAddr,
        host: &str,
        security: &Security,
        protocol: Protocol,
    ) -> anyhow::Result<Self> {
        time::timeout(
            PATIENCE,
            Self::open_slowly(address, host, security, protocol),
        )
        .await
        .map_err(|_elapsed| anyhow!("no connection to {address} within {PATIENCE:?}"))?
    }

    async fn open_slowly(
        address: SocketAddr,
        host: &str,
        security: &Security,
        protocol: Protocol,
    ) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .context("cannot connect")?;
        stream.set_nodelay(true)?;
        match security {
            Security::Plaintext => Self::over(stream, protocol).await,
            Security::Tls(config) => {
                let name = host.split(':').next().unwrap_or(host).to_owned();
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector
                    .connect(ServerName::try_from(name)?, stream)
                    .await
                    .context("the TLS handshake failed")?;
                Self::over(stream, protocol).await
            }
        }
    }

    async fn over<S>(stream: S, protocol: Protocol) -> anyhow::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let stream = TokioIo::new(stream);
        match protocol {
            Protocol::Http1 => {
                let (sender, driver) = http1::handshake(stream).await?;
                let driver = tokio::spawn(async move {
                    // What ends a connection is seen by the request that was on it.
                    let _ended = driver.await;
                });
                Ok(Self {
                    sender: Sender::Http1(sender),
                    driver,
                })
            }
            Protocol::Http2 => {
                let (sender, driver) = http2::handshake(TokioExecutor::new(), stream).await?;
                let driver = tokio::spawn(async move {
                    let _ended = driver.await;
                });
                Ok(Self {
                    sender: Sender::Http2(sender),
                    driver,
                })
            }
        }
    }

    /// Sends one request and reads its whole answer.
    ///
    /// # Errors
    ///
    /// When the connection breaks, or nothing comes within the patience of a test.
    pub async fn send(&mut self, call: &Call) -> anyhow::Result<Answer> {
        time::timeout(PATIENCE, self.send_slowly(call))
            .await
            .map_err(|_elapsed| anyhow!("no answer within {PATIENCE:?}"))?
    }

    async fn send_slowly(&mut self, call: &Call) -> anyhow::Result<Answer> {
        let response = match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request(call, Protocol::Http1)?).await?
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request(call, Protocol::Http2)?).await?
            }
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }

    /// Whether the other side still takes requests.
    pub fn is_open(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => !sender.is_closed(),
            Sender::Http2(sender) => !sender.is_closed(),
        }
    }
}

/// One request on a connection of its own.
///
/// # Errors
///
/// As [`Connection::open`] and [`Connection::send`].
pub async fn fetch(
    address: SocketAddr,
    security: &Security,
    protocol: Protocol,
    call: &Call,
) -> anyhow::Result<Answer> {
    let mut connection = Connection::open(address, &call.host, security, protocol).await?;
    connection.send(call).await
}

fn request(call: &Call, protocol: Protocol) -> anyhow::Result<Request<Full<Bytes>>> {
    let uri: Uri = match protocol {
        Protocol::Http1 => call.target.parse()?,
        Protocol::Http2 => format!("{}://{}{}", call.scheme, call.host, call.target).parse()?,
    };
    let mut builder = Request::builder().method(call.method.as_str()).uri(uri);
    if protocol == Protocol::Http1 {
        builder = builder.header("host", &call.host);
    }
    for (name, value) in &call.headers {
        builder = builder.header(name, value);
    }
    match builder.body(Full::new(call.body.clone())) {
        Ok(request) => Ok(request),
        Err(error) => bail!("cannot send `{} {}`: {error}", call.method, call.target),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Believes every server, but not signatures that are wrong.
#[derive(Debug)]
struct Believer(Arc<CryptoProvider>);

impl ServerCertVerifier for Believer {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
