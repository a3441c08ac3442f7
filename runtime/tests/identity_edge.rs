//! Gateway certificates are chosen by SNI and replaced while they serve; upstream roots believe their own only.
#![cfg(test)]

#[path = "common/pki.rs"]
mod pki;
#[path = "common/tls.rs"]
mod tls;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use pki::{Authority, Svid};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ServerConfig};
use rustls_pki_types::CertificateDer;
use tls::{connect, rogue_client, rogue_server};
use weft_runtime::identity::{EdgeListener, EdgeStore, roots_config};

/// A listener for `hosts`, with `svid` written as `<name>.pem` and `<name>.key`.
fn listener(directory: &Path, name: &str, hosts: &[&str], svid: &Svid) -> EdgeListener {
    let chain = directory.join(format!("{name}.pem"));
    let key = directory.join(format!("{name}.key"));
    svid.write_pair(&chain, &key);
    EdgeListener {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        chain,
        key,
        default: None,
    }
}

/// The certificate that a client sees which asks for `name`; IP addresses are never sent as SNI.
fn seen(server: &Arc<ServerConfig>, name: &str) -> Option<CertificateDer<'static>> {
    let ends = connect(&rogue_client(None, &TLS13), server, name);
    ends.agreed()
        .then(|| ends.client.peer_certificates().unwrap()[0].clone())
}

#[test]
fn a_client_without_a_name_gets_the_default_that_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new("web.example");
    let [a, b, c] = ["a", "b", "c"].map(|name| authority.web(&[name]));
    let bare = listener(directory.path(), "c", &["c.example"], &c);
    let mut listeners = [
        listener(directory.path(), "a", &["a.example"], &a),
        listener(directory.path(), "b", &["b.example"], &b),
    ];
    let store = EdgeStore::default();
    let config = store.config(&listeners).unwrap();
    assert_eq!(seen(&config, "127.0.0.1"), None);

    listeners[1].default = Some((bare.chain, bare.key));
    let config = store.config(&listeners).unwrap();

    let first = |svid: &Svid| Some(svid.chain[0].clone());
    assert_eq!(seen(&config, "127.0.0.1"), first(&c));
    assert_eq!(seen(&config, "a.example"), first(&a));
    assert_eq!(seen(&config, "b.example"), first(&b));
    assert_eq!(seen(&config, "other.example"), None);
}

#[test]
fn the_most_specific_host_chooses_the_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new("web.example");
    let [exact, long, short] = ["exact", "long", "short"].map(|name| authority.web(&[name]));
    let listeners = [
        listener(directory.path(), "short", &["*.example"], &short),
        listener(directory.path(), "long", &["*.shop.example"], &long),
        listener(directory.path(), "exact", &["api.shop.example"], &exact),
    ];
    let config = EdgeStore::default().config(&listeners).unwrap();

    let first = |svid: &Svid| Some(svid.chain[0].clone());
    assert_eq!(seen(&config, "api.shop.example"), first(&exact));
    assert_eq!(seen(&config, "API.Shop.example"), first(&exact));
    assert_eq!(seen(&config, "v2.api.shop.example"), first(&long));
    assert_eq!(seen(&config, "web.shop.example"), first(&long));
    assert_eq!(seen(&config, "shop.example"), first(&short));
    assert_eq!(seen(&config, "example"), None);
    assert_eq!(seen(&config, "shop.other"), None);
    assert_eq!(seen(&config, "127.0.0.1"), None);
}

#[test]
fn a_listener_for_all_hosts_serves_unknown_and_absent_names() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new("web.example");
    let (all, one) = (authority.web(&["all"]), authority.web(&["one"]));
    let listeners = [
        listener(directory.path(), "one", &["api.shop.example"], &one),
        listener(directory.path(), "all", &["*"], &all),
    ];
    let config = EdgeStore::default().config(&listeners).unwrap();

    for name in ["unknown.example", "127.0.0.1"] {
        assert_eq!(seen(&config, name), Some(all.chain[0].clone()), "{name}");
    }
}

#[test]
fn the_only_certificate_serves_clients_without_sni() {
    let directory = tempfile::tempdir().unwrap();
    let only = Authority::new("web.example").web(&["api.shop.example"]);
    let listener = listener(directory.path(), "only", &["api.shop.example"], &only);
    let config = EdgeStore::default().config(&[listener]).unwrap();

    assert_eq!(seen(&config, "127.0.0.1"), Some(only.chain[0].clone()));
    assert_eq!(seen(&config, "other.example"), None);
}

#[test]
fn tls_1_2_is_spoken_with_clients() {
    let directory = tempfile::tempdir().unwrap();
    let svid = Authority::new("web.example").web(&["api.shop.example"]);
    let listener = listener(directory.path(), "web", &["*"], &svid);
    let config = EdgeStore::default().config(&[listener]).unwrap();

    let ends = connect(&rogue_client(None, &TLS12), &config, "api.shop.example");

    assert!(ends.agreed());
    assert_eq!(ends.server.alpn_protocol(), Some(&b"h2"[..]));
}

#[test]
fn new_files_are_served_without_a_new_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new("web.example");
    let (old, new) = (authority.web(&["a.example"]), authority.web(&["a.example"]));
    let listener = listener(directory.path(), "web", &["a.example"], &old);
    let store = EdgeStore::default();
    let config = store.config(std::slice::from_ref(&listener)).unwrap();
    let before = seen(&config, "a.example");

    fs::write(&listener.key, new.key_pem()).unwrap();
    store.refresh();
    let half = seen(&config, "a.example");
    let complaint = store.status().last_error();
    fs::write(&listener.chain, new.chain_pem()).unwrap();
    store.refresh();

    assert_eq!(before, Some(old.chain[0].clone()));
    assert_eq!(half, before);
    assert!(complaint.unwrap().contains("does not belong"));
    assert_eq!(seen(&config, "a.example"), Some(new.chain[0].clone()));
    assert_eq!(store.status().last_error(), None);
    assert_eq!(store.status().rotations(), 1);
}

#[test]
fn equal_listeners_share_a_configuration_while_it_is_used() {
    let directory = tempfile::tempdir().unwrap();
    let svid = Authority::new("web.example").web(&["a.example"]);
    let listeners = [listener(directory.path(), "web", &["a.example"], &svid)];
    let store = EdgeStore::default();

    let first = store.config(&listeners).unwrap();
    let second = store.config(&listeners).unwrap();

    assert!(Arc::ptr_eq(&first, &second));
    assert!(store.not_after_unix().is_some());
    drop((first, second));
    assert_eq!(store.not_after_unix(), None);
}

#[test]
fn a_bad_pair_is_refused_when_the_configuration_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new("web.example");
    let listener = listener(
        directory.path(),
        "web",
        &["*"],
        &authority.web(&["a.example"]),
    );
    fs::write(&listener.key, authority.web(&["a.example"]).key_pem()).unwrap();

    assert!(EdgeStore::default().config(&[listener]).is_err());
}

#[test]
fn roots_believe_their_own_certificates_for_the_name_only() {
    let directory = tempfile::tempdir().unwrap();
    let (ours, other) = (Authority::new("a.example"), Authority::new("b.example"));
    let path = directory.path().join("roots.pem");
    fs::write(&path, ours.pem()).unwrap();
    let roots = roots_config(&path).unwrap();
    let agreed = |client: &Arc<ClientConfig>, svid: Svid, name: &str| {
        connect(client, &rogue_server(svid.certified(), &TLS13), name).agreed()
    };

    assert!(agreed(
        &roots.http2,
        ours.web(&["api.example"]),
        "api.example"
    ));
    assert!(!agreed(
        &roots.http2,
        ours.web(&["api.example"]),
        "web.example"
    ));
    assert!(!agreed(
        &roots.http2,
        other.web(&["api.example"]),
        "api.example"
    ));
    assert_eq!(roots.http1.alpn_protocols, [b"http/1.1".to_vec()]);
}

#[test]
fn a_file_without_roots_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("roots.pem");
    fs::write(&path, "nothing").unwrap();

    assert!(roots_config(&path).is_err());
    assert!(roots_config(&directory.path().join("absent.pem")).is_err());
}
