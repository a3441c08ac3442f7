//! TLS at the edge: protocols by ALPN, and requests for a host with another TLS policy.
#![cfg(test)]

mod data_support;
#[path = "common/pki.rs"]
mod pki;

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;

use data_support::{Origin, Proxy, active, everything_to, forward, header, status};
use pki::Authority;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use weft_runtime::identity::{EdgeListener, EdgeStore};
use weft_runtime::shared::{ActivePort, PortSecurity};
use weft_snapshot::settings::{Certificate, ListenerSecurity};

type Client = StreamOwned<ClientConnection, TcpStream>;

/// A gateway with two listeners on one port, for `a.example` and `b.example`, each with its certificate.
struct Edge {
    proxy: Proxy,
    origin: Origin,
    client: Arc<ClientConfig>,
}

impl Edge {
    fn start() -> Self {
        Self::start_with(None)
    }

    fn start_with(default: Option<u32>) -> Self {
        Self::start_as(false, default)
    }

    /// `default` is the certificate of the first listener for clients that name no host; that listener may hear all hosts that the second
    /// one does not.
    #[expect(clippy::too_many_lines, reason = "one plan, written out")]
    fn start_as(hears_all: bool, default: Option<u32>) -> Self {
        let authority = Authority::new("shop.example");
        let folder = tempfile::tempdir().unwrap();
        let origin = Origin::saying("hello");
        let mut plan = everything_to(origin.address, forward(&[1_000_000]));
        let mut listeners = Vec::new();
        for (name, certificate) in [("a", 0), ("b", 1)] {
            let host = format!("{name}.example");
            let pair = authority.web(&[&host]);
            let chain = folder.path().join(format!("{name}.pem"));
            let key = folder.path().join(format!("{name}.key"));
            fs::write(&chain, pair.chain_pem()).unwrap();
            fs::write(&key, pair.key_pem()).unwrap();
            let mut listener = plan.settings.listeners[0].clone();
            name.clone_into(&mut listener.name);
            let of_all = name == "a" && hears_all;
            listener.hosts = vec![if of_all { "*".to_owned() } else { host.clone() }];
            listener.security = ListenerSecurity::Tls { certificate };
            listener.table = certificate;
            listener.default_certificate = default.filter(|shown| *shown == certificate);
            listeners.push(listener);
            plan.settings.certificates.push(Certificate {
                name: name.to_owned(),
                chain: chain.display().to_string(),
                key: key.display().to_string(),
            });
        }
        let files = listeners.iter().zip(&plan.settings.certificates);
        let files = files.map(|(listener, certificate)| EdgeListener {
            hosts: listener.hosts.clone(),
            chain: certificate.chain.clone().into(),
            key: certificate.key.clone().into(),
            default: listener.default_certificate.map(|_| {
                (
                    certificate.chain.clone().into(),
                    certificate.key.clone().into(),
                )
            }),
        });
        let files: Vec<EdgeListener> = files.collect();
        let server = EdgeStore::default().config(&files).unwrap();
        plan.settings.listeners = listeners;
        plan.tables.push(plan.tables[0].clone());
        plan.tables[1].hosts[0].routes[0].id = "other/0".to_owned();
        let proxy = Proxy::start(&plan);
        let mut encrypted = active(&plan, proxy.address, 2);
        encrypted.ports = vec![Arc::new(ActivePort {
            address: proxy.address,
            listeners: encrypted.slice.settings().listeners.clone(),
            security: PortSecurity::Edge(server),
        })];
        proxy.shared.active.store(Arc::new(encrypted));
        let mut roots = RootCertStore::empty();
        roots.add(authority.der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            proxy,
            origin,
            client: Arc::new(client),
        }
    }

    fn connect(&self, name: &str) -> Client {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let session = ClientConnection::new(Arc::clone(&self.client), name).unwrap();
        StreamOwned::new(session, self.proxy.connect())
    }
}

fn ask(client: &mut Client, host: &str) -> String {
    use std::io::Read;
    write!(client, "GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).unwrap();
    let mut body = vec![0; header(&head, "content-length").unwrap().parse().unwrap()];
    client.read_exact(&mut body).unwrap();
    head
}

#[test]
fn a_host_with_another_tls_policy_than_the_connection_is_421() {
    let edge = Edge::start();
    let mut client = edge.connect("a.example");
    assert_eq!(status(&ask(&mut client, "a.example")), 200);
    let answer = ask(&mut client, "b.example");
    assert_eq!(status(&answer), 421);
    assert_eq!(header(&answer, "x-weft-reason"), Some("misdirected"));
    assert_eq!(status(&ask(&mut client, "A.example.:443")), 200);
    assert_eq!(
        status(&ask(&mut edge.connect("b.example"), "b.example")),
        200
    );
}

#[test]
fn a_client_without_a_name_speaks_to_whoever_shows_the_default_certificate() {
    let nameless = |mut edge: Edge| {
        let mut client = ClientConfig::clone(&edge.client);
        client.enable_sni = false;
        edge.client = Arc::new(client);
        edge
    };
    let edge = nameless(Edge::start_with(Some(0)));
    let mut client = edge.connect("a.example");
    assert_eq!(status(&ask(&mut client, "a.example")), 200);
    assert_eq!(
        status(&ask(&mut client, "b.example")),
        421,
        "the certificate for b.example was never shown to this client"
    );

    // The listener for all hosts implies its certificate, and hears these clients as if it named that.
    let edge = nameless(Edge::start_as(true, None));
    let mut client = edge.connect("a.example");
    assert_eq!(status(&ask(&mut client, "a.example")), 200);
    assert_eq!(status(&ask(&mut client, "b.example")), 421);

    let edge = nameless(Edge::start());
    let mut client = edge.connect("a.example");
    let refused = write!(client, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert!(refused.is_err(), "there is nothing to show");
}

#[test]
fn a_client_that_offers_http_1_0_alone_is_answered() {
    let mut edge = Edge::start();
    let mut client = ClientConfig::clone(&edge.client);
    client.alpn_protocols = vec![b"http/1.0".to_vec()];
    edge.client = Arc::new(client);
    let mut client = edge.connect("a.example");
    assert_eq!(status(&ask(&mut client, "a.example")), 200);
    assert_eq!(client.conn.alpn_protocol(), Some(&b"http/1.0"[..]));
}

#[test]
fn the_backend_is_told_that_the_client_came_by_https() {
    let edge = Edge::start();
    assert_eq!(
        status(&ask(&mut edge.connect("a.example"), "a.example")),
        200
    );
    let received = edge.origin.received();
    assert_eq!(header(&received, "x-forwarded-proto"), Some("https"));
    assert_eq!(edge.proxy.counters().handshakes.value(), 1);
}

#[test]
fn plaintext_on_a_tls_port_is_closed() {
    let edge = Edge::start();
    let answer = edge.proxy.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert!(!answer.contains("HTTP/"), "{answer}");
    assert_eq!(edge.origin.connections(), 0);
}
