//! What is said about a handshake that fails: by the side that is called, and by the side that calls.
#![cfg(test)]

mod data_support;
#[path = "common/pki.rs"]
mod pki;
#[path = "common/tls.rs"]
mod tls;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use data_support::{
    Origin, Proxy, all_paths, allow, cluster, connect, eventually, everything_to, forward, header,
    plan, route, status,
};
use pki::{Authority, Svid, workload_params};
use rcgen::{CertificateParams, SanType, date_time_ymd};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use rustls_pki_types::ServerName;
use weft_runtime::identity::{EdgeListener, EdgeStore, Identity};
use weft_runtime::shared::{ActivePort, Example, Limits, PortSecurity};
use weft_snapshot::Reason;
use weft_snapshot::settings::{ListenerSecurity, Role, UpstreamProtocol, UpstreamSecurity};

/// What a client does to a listener.
type Shake = Box<dyn Fn(SocketAddr)>;

const GET: &str = "GET / HTTP/1.1\r\nHost: orders\r\n\r\n";

// ---- the side that is called ----

fn callee(authority: &Authority, limits: Limits) -> Proxy {
    let app = Origin::saying("never");
    let routes = vec![route("inbound/0", all_paths(), forward(&[1_000_000]))];
    let clusters = vec![cluster("app", &[app.address], UpstreamProtocol::Http1)];
    let mut plan = plan(Role::Inbound, routes, clusters);
    plan.settings.listeners[0].security = ListenerSecurity::Mtls;
    plan.access = vec![allow("spiffe://shop.example/service/web")];
    let folder = tempfile::tempdir().unwrap();
    let node = "service/orders";
    authority.svid(node).write(folder.path(), &[authority]);
    let own = Identity::load(folder.path(), "shop.example", node).unwrap();
    Proxy::start_with(&plan, limits, Some(own))
}

/// Makes a handshake as `name`, then reads to the end.
fn shake(address: SocketAddr, config: &Arc<ClientConfig>, name: &str) {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut session = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut socket = connect(address);
    let mut stream = rustls::Stream::new(&mut session, &mut socket);
    let _refused = stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let _alert = stream.read(&mut [0; 64]);
}

/// The one failure of `proxy`, by `reason`.
fn failure(proxy: &Proxy, reason: &str) -> Example {
    let failures = &proxy.counters().handshake_failures.0;
    eventually(reason, || failures.count_of(reason) == 1);
    assert_eq!(proxy.counters().handshakes_failed.value(), 1, "{reason}");
    let example = failures.take_example(reason);
    example.unwrap_or_else(|| panic!("no example of {reason}"))
}

fn web(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = workload_params(&["spiffe://shop.example/service/web"]);
    change(&mut params);
    params
}

#[test]
fn each_certificate_that_is_refused_has_a_reason_and_an_alert() {
    let authority = Authority::new("shop.example");
    let stranger = Authority::new("shop.example");
    let uri = |text: &str| SanType::URI(text.try_into().unwrap());
    let cases: [(&str, &str, Svid); 7] = [
        (
            "peer-expired",
            "certificate-expired",
            authority.sign(&web(|params| params.not_after = date_time_ymd(2024, 1, 1))),
        ),
        (
            "peer-not-yet-valid",
            "certificate-expired",
            authority.sign(&web(|params| params.not_before = date_time_ymd(2090, 1, 1))),
        ),
        ("unknown-issuer", "unknown-ca", stranger.svid("service/web")),
        (
            "foreign-trust-domain",
            "certificate-unknown",
            authority.sign(&workload_params(&["spiffe://other.example/service/web"])),
        ),
        (
            "several-peer-identities",
            "certificate-unknown",
            authority.sign(&web(|params| {
                params
                    .subject_alt_names
                    .push(uri("spiffe://shop.example/service/api"));
            })),
        ),
        (
            "no-peer-identity",
            "certificate-unknown",
            authority.sign(&workload_params(&[])),
        ),
        (
            "no-peer-key-usage",
            "certificate-unknown",
            authority.sign(&web(|params| params.key_usages.clear())),
        ),
    ];
    for (reason, alert, svid) in cases {
        let proxy = callee(&authority, Limits::default());
        let config = tls::rogue_client(Some(svid.certified()), &TLS13);
        shake(proxy.address, &config, "orders.service.shop.example");

        let example = failure(&proxy, reason);
        assert_eq!(example.alert, alert, "{reason}");
        assert_eq!(example.name.as_deref(), Some("orders.service.shop.example"));
        assert!(example.address.is_some_and(|it| it.ip().is_loopback()));
        assert!(!example.said.is_empty(), "{reason}");
    }
}

#[test]
fn each_way_to_miss_the_protocol_has_a_reason() {
    let authority = Authority::new("shop.example");
    let svid = authority.svid("service/web");
    let key = || Some(svid.certified());
    let named = |protocol: &[u8]| {
        let mut config = ClientConfig::clone(&tls::rogue_client(key(), &TLS13));
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    };
    let shaken =
        |config: Arc<ClientConfig>| move |address: SocketAddr| shake(address, &config, "orders");
    let raw = |bytes: &'static [u8]| {
        move |address: SocketAddr| {
            let mut socket = connect(address);
            socket.write_all(bytes).unwrap();
            socket.shutdown(std::net::Shutdown::Write).unwrap();
            let _answer = socket.read_to_end(&mut Vec::new());
        }
    };
    let cases: [(&str, &str, Shake); 7] = [
        (
            "no-peer-certificate",
            "certificate-required",
            Box::new(shaken(tls::rogue_client(None, &TLS13))),
        ),
        (
            "protocol-version",
            "protocol-version",
            Box::new(shaken(tls::rogue_client(key(), &TLS12))),
        ),
        (
            "no-common-protocol",
            "no-application-protocol",
            Box::new(shaken(named(b"smtp"))),
        ),
        ("not-tls", "decode-error", Box::new(raw(GET.as_bytes()))),
        ("nothing-sent", "", Box::new(raw(b""))),
        ("closed", "", Box::new(raw(b"\x16\x03\x01\x02\x00\x01"))),
        (
            "malformed-handshake",
            "decode-error",
            Box::new(raw(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x07")),
        ),
    ];
    for (reason, alert, act) in cases {
        let proxy = callee(&authority, Limits::default());
        act(proxy.address);
        assert_eq!(failure(&proxy, reason).alert, alert, "{reason}");
    }
}

#[test]
fn a_client_that_refuses_us_is_named_too() {
    let authority = Authority::new("shop.example");
    let proxy = callee(&authority, Limits::default());
    let mut roots = RootCertStore::empty();
    roots.add(Authority::new("other.example").der()).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    shake(
        proxy.address,
        &Arc::new(config),
        "orders.service.shop.example",
    );

    let example = failure(&proxy, "alert-received");
    assert_eq!(example.alert, "unknown-ca");
}

#[test]
fn a_handshake_that_takes_too_long_is_a_failure() {
    let limits = Limits {
        handshake: Duration::from_millis(300),
        ..Limits::default()
    };
    let proxy = callee(&Authority::new("shop.example"), limits);
    let mut socket = connect(proxy.address);
    socket.write_all(b"\x16\x03\x01\x02\x00\x01").unwrap();

    assert_eq!(failure(&proxy, "timed-out").alert, "");
}

#[test]
fn a_good_handshake_fails_nothing() {
    let authority = Authority::new("shop.example");
    let proxy = callee(&authority, Limits::default());
    let svid = authority.svid("service/web");
    let config = tls::rogue_client(Some(svid.certified()), &TLS13);
    shake(proxy.address, &config, "orders.service.shop.example");

    assert_eq!(proxy.counters().handshakes.value(), 1);
    assert_eq!(proxy.counters().handshakes_failed.value(), 0);
}

#[test]
fn a_gateway_says_which_name_it_has_no_certificate_for() {
    let authority = Authority::new("shop.example");
    let folder = tempfile::tempdir().unwrap();
    let (chain, key) = (folder.path().join("a.pem"), folder.path().join("a.key"));
    authority.web(&["a.test"]).write_pair(&chain, &key);
    let app = Origin::saying("never");
    let proxy = Proxy::start(&everything_to(app.address, forward(&[1_000_000])));
    let store = EdgeStore::default();
    let hosts = vec!["a.test".to_owned()];
    let config = store
        .config(&[EdgeListener {
            hosts,
            chain,
            key,
            default: None,
        }])
        .unwrap();
    let mut active = data_support::active(
        &everything_to(app.address, forward(&[1_000_000])),
        proxy.address,
        2,
    );
    active.ports = vec![Arc::new(ActivePort {
        address: proxy.address,
        listeners: active.slice.settings().listeners.clone(),
        security: PortSecurity::Edge(config),
    })];
    proxy.shared.active.store(Arc::new(active));

    let client = tls::rogue_client(None, &TLS13);
    shake(proxy.address, &client, "b.test");

    let example = failure(&proxy, "unknown-server-name");
    assert_eq!(example.name.as_deref(), Some("b.test"));
    shake(proxy.address, &client, "a.test");
    eventually("the honest one is served", || {
        proxy.counters().handshakes.value() == 1
    });
}

// ---- the side that calls ----

/// A server that makes handshakes with `config`, then says nothing.
fn server(config: Arc<ServerConfig>) -> Origin {
    Origin::start(move |_number, recorded| {
        let mut session = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = rustls::Stream::new(&mut session, &mut recorded.stream);
        while let Ok(1..) = stream.read(&mut [0; 4096]) {}
        let _left = recorded.stream.shutdown(std::net::Shutdown::Write);
        let _rest = recorded.stream.read_to_end(&mut Vec::new());
    })
}

fn showing(svid: &Svid, protocol: &[u8]) -> Arc<ServerConfig> {
    let mut config = ServerConfig::clone(&tls::rogue_server(svid.certified(), &TLS13));
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

/// A gateway that calls `address` as `shop.test` and believes the roots at `roots`.
fn gateway(address: SocketAddr, roots: &Path, protocol: UpstreamProtocol) -> Proxy {
    let mut plan = everything_to(address, forward(&[1_000_000]));
    let cluster = &mut plan.settings.clusters[0];
    cluster.protocol = protocol;
    cluster.security = UpstreamSecurity::Tls {
        name: "shop.test".to_owned(),
        roots: roots.display().to_string(),
    };
    Proxy::start(&plan)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of causes")]
fn each_cause_in_tls_has_a_reason_of_its_own() {
    let authority = Authority::new("shop.example");
    let stranger = Authority::new("shop.example");
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, authority.pem()).unwrap();
    let named = |change: &dyn Fn(&mut CertificateParams)| {
        let mut params = workload_params(&[]);
        params.subject_alt_names = vec![SanType::DnsName("shop.test".try_into().unwrap())];
        change(&mut params);
        authority.sign(&params)
    };
    let expired = named(&|params| params.not_after = date_time_ymd(2024, 1, 1));
    let early = named(&|params| params.not_before = date_time_ymd(2090, 1, 1));
    let good = authority.web(&["shop.test"]);
    let says = |bytes: &'static [u8]| {
        Origin::start(move |_number, recorded| {
            let _hello = recorded.stream.read(&mut [0; 4096]);
            let _gone = recorded.stream.write_all(bytes);
            let _left = recorded.stream.shutdown(std::net::Shutdown::Write);
            let _rest = recorded.stream.read_to_end(&mut Vec::new());
        })
    };
    let resets = Origin::start(|_number, recorded| {
        let _hello = recorded.stream.peek(&mut [0; 1]);
        // Closing with unread bytes resets.
    });
    let http1 = b"http/1.1";
    let cases: Vec<(&str, &str, Origin)> = vec![
        (
            "tls-unknown-issuer",
            "",
            server(showing(&stranger.web(&["shop.test"]), http1)),
        ),
        (
            "tls-wrong-name",
            "",
            server(showing(&authority.web(&["else.test"]), http1)),
        ),
        ("tls-expired", "", server(showing(&expired, http1))),
        ("tls-not-yet-valid", "", server(showing(&early, http1))),
        ("tls-wrong-protocol", "", server(showing(&good, b"smtp"))),
        (
            "tls-plaintext",
            "",
            says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ),
        ("tls-closed", "", says(b"")),
        (
            "tls-alert",
            "handshake-failure",
            says(b"\x15\x03\x03\x00\x02\x02\x28"),
        ),
        ("tls-reset", "", resets),
    ];
    for (reason, detail, origin) in cases {
        let proxy = gateway(origin.address, &roots, UpstreamProtocol::Http1);
        let answer = proxy.send(GET);
        let told = (status(&answer), header(&answer, "x-weft-reason"));
        assert_eq!(told, (503, Some(reason)));
        let entry = proxy.entry();
        assert_eq!(entry.upstream_failure.map(Reason::name), Some(reason));
        assert_eq!(entry.upstream_failure_detail, detail, "{reason}");
        let failures = &proxy.counters().upstream_failures.0;
        assert_eq!(failures.count_of(reason), 1);
        let example = failures.take_example(reason).unwrap();
        assert_eq!(example.address, Some(origin.address));
        assert_eq!(example.name.as_deref(), Some("app"));
        assert!(
            example.said.contains("TLS") || reason == "tls-wrong-protocol",
            "{example:?}"
        );
    }
}

#[test]
fn a_port_where_nobody_listens_is_a_connect_failure() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let proxy = Proxy::start(&everything_to(address, forward(&[1_000_000])));

    let answer = proxy.send(GET);

    assert_eq!(header(&answer, "x-weft-reason"), Some("connect-failure"));
    assert_eq!(proxy.entry().upstream_failure_detail, "refused");
    let failures = &proxy.counters().upstream_failures.0;
    assert_eq!(failures.count_of("connect-failure"), 1);
}

#[test]
fn a_server_that_wants_a_certificate_says_so_after_the_handshake() {
    let authority = Authority::new("shop.example");
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, authority.pem()).unwrap();
    let mut believed = RootCertStore::empty();
    believed.add(authority.der()).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(believed))
        .build()
        .unwrap();
    let svid = authority.web(&["shop.test"]);
    for (protocol, name) in [
        (UpstreamProtocol::Http1, &b"http/1.1"[..]),
        (UpstreamProtocol::Http2, b"h2"),
    ] {
        let mut config = ServerConfig::builder_with_protocol_versions(&[&TLS13])
            .with_client_cert_verifier(Arc::clone(&verifier))
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(
                svid.certified(),
            )));
        config.alpn_protocols = vec![name.to_vec()];
        let origin = server(Arc::new(config));
        let proxy = gateway(origin.address, &roots, protocol);

        for request in [
            GET.to_owned(),
            format!(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n{}",
                "x".repeat(900_000)
            ),
        ] {
            let answer = proxy.send(&request);
            assert_eq!(
                header(&answer, "x-weft-reason"),
                Some("upstream-refused-identity")
            );
            assert_eq!(
                proxy.entry().upstream_failure_detail,
                "certificate-required"
            );
        }
    }
}
