//! Identities are loaded as a checked set, rotated without a lost handshake, and old trust ends with its bundle.
#![cfg(test)]

#[path = "common/pki.rs"]
mod pki;
#[path = "common/tls.rs"]
mod tls;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use pki::{Authority, Svid, workload_params};
use rcgen::date_time_ymd;
use rustls::{HandshakeKind, ServerConfig};
use rustls_pki_types::{ServerName, UnixTime};
use tempfile::TempDir;
use tls::connect;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use weft_runtime::identity::{
    Identity, IdentityError, IdentityFiles, IdentityStatus, PeerError, Rotation, refresh, watch,
};

const DOMAIN: &str = "shop.example";
const NODE: &str = "service/orders";
const NAME: &str = "orders.service.shop.example";

fn load(directory: &Path) -> Result<Identity, IdentityError> {
    Identity::load(directory, DOMAIN, NODE)
}

/// Writes `svid` with `bundle` into a new directory and loads it.
fn loaded(svid: &Svid, bundle: &[&Authority]) -> Result<Identity, IdentityError> {
    let directory = tempfile::tempdir().unwrap();
    svid.write(directory.path(), bundle);
    load(directory.path())
}

/// A directory with a good identity, what watches it, and the slot it is in.
struct Node {
    directory: TempDir,
    files: IdentityFiles,
    slot: ArcSwapOption<Identity>,
    status: IdentityStatus,
}

impl Node {
    fn new(authority: &Authority) -> Self {
        let directory = tempfile::tempdir().unwrap();
        authority.svid(NODE).write(directory.path(), &[authority]);
        let files = IdentityFiles::new(directory.path(), DOMAIN, NODE).unwrap();
        let slot = ArcSwapOption::from_pointee(load(directory.path()).unwrap());
        Self {
            directory,
            files,
            slot,
            status: IdentityStatus::default(),
        }
    }

    fn refresh(&self) -> Option<Rotation> {
        refresh(&self.files, &self.slot, &self.status)
    }

    fn digest(&self) -> Arc<str> {
        Arc::clone(&self.slot.load_full().unwrap().digest)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }
}

#[test]
fn a_good_set_is_loaded() {
    let authority = Authority::new(DOMAIN);

    let identity = loaded(&authority.svid(NODE), &[&authority]).unwrap();

    assert_eq!(&*identity.spiffe_id, "spiffe://shop.example/service/orders");
    assert!(i64::try_from(UnixTime::now().as_secs()).unwrap() < identity.not_after_unix);
}

#[test]
fn the_certificate_of_another_node_is_refused_at_load() {
    let authority = Authority::new(DOMAIN);

    for node in [
        "service/order",
        "service/orders2",
        "gateway/orders",
        "service/orders/x",
    ] {
        let refused = loaded(&authority.svid(node), &[&authority]);

        assert!(
            matches!(refused, Err(IdentityError::WrongIdentity { .. })),
            "{node}"
        );
    }
}

#[test]
fn an_expired_certificate_is_refused_at_load() {
    let authority = Authority::new(DOMAIN);
    let mut params = workload_params(&["spiffe://shop.example/service/orders"]);
    params.not_after = date_time_ymd(2026, 1, 1);

    let refused = loaded(&authority.sign(&params), &[&authority]);

    assert!(matches!(refused, Err(IdentityError::Refused { .. })));
}

#[test]
fn a_bundle_of_another_authority_is_refused_at_load() {
    let authority = Authority::new(DOMAIN);

    let other = loaded(&authority.svid(NODE), &[&Authority::new(DOMAIN)]);
    let foreign = loaded(
        &authority.svid(NODE),
        &[&authority, &Authority::new("other.example")],
    );

    assert!(matches!(other, Err(IdentityError::Refused { .. })));
    assert!(matches!(foreign, Err(IdentityError::BadBundle { .. })));
}

#[test]
fn a_bundle_without_a_valid_authority_is_refused_at_load() {
    let mut params = pki::authority_params(DOMAIN, "old");
    params.not_after = date_time_ymd(2026, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let expired = Authority {
        trust_domain: DOMAIN.to_owned(),
        params,
        key,
        certificate,
    };

    let refused = loaded(&expired.svid(NODE), &[&expired]);

    assert!(matches!(refused, Err(IdentityError::BadBundle { .. })));
}

#[test]
fn the_key_of_another_certificate_keeps_the_old_pair() {
    let authority = Authority::new(DOMAIN);
    let node = Node::new(&authority);
    let before = node.digest();

    fs::write(node.path("svid_key.pem"), authority.svid(NODE).key_pem()).unwrap();

    assert_eq!(node.refresh(), None);
    assert_eq!(node.digest(), before);
    assert!(
        node.status
            .last_error()
            .unwrap()
            .contains("does not belong")
    );
}

#[test]
fn no_half_of_a_rotation_replaces_the_old_set() {
    let (old, new) = (Authority::new(DOMAIN), Authority::new(DOMAIN));
    let node = Node::new(&old);
    let before = node.digest();
    let svid = new.svid(NODE);

    let chain = svid.chain_pem();
    for (name, content) in [
        ("svid.pem", ""),
        ("svid.pem", chain.split_at(chain.len() / 2).0),
        ("svid.pem", &chain),
        ("svid_key.pem", &svid.key_pem()),
    ] {
        fs::write(node.path(name), content).unwrap();
        assert_eq!(node.refresh(), None, "{name}");
        assert_eq!(node.digest(), before, "{name}");
    }
    fs::write(node.path("svid_bundle.pem"), new.pem()).unwrap();

    assert_eq!(node.refresh(), Some(Rotation::Trust));
    assert_eq!(node.status.failures(), 4);
    assert_eq!(node.status.rotations(), 1);
    assert_eq!(node.status.last_error(), None);
}

#[test]
fn equal_files_keep_the_identity_and_its_sessions() {
    let node = Node::new(&Authority::new(DOMAIN));
    let before = node.slot.load_full().unwrap();

    assert_eq!(node.refresh(), None);

    assert!(Arc::ptr_eq(&before, &node.slot.load_full().unwrap()));
}

#[test]
fn a_session_is_resumed_and_still_names_its_peer() {
    let authority = Authority::new(DOMAIN);
    let identity = loaded(&authority.svid(NODE), &[&authority]).unwrap();

    let first = connect(&identity.client, &identity.server, NAME);
    let second = connect(&identity.client, &identity.server, NAME);

    assert_eq!(first.server.handshake_kind(), Some(HandshakeKind::Full));
    assert_eq!(second.server.handshake_kind(), Some(HandshakeKind::Resumed));
    let shown = second.server.peer_certificates().unwrap();
    assert_eq!(
        identity.peer(shown, UnixTime::now()),
        Ok(Arc::clone(&identity.spiffe_id))
    );
}

#[test]
fn a_session_from_before_a_new_bundle_is_refused() {
    let (old, new) = (Authority::new(DOMAIN), Authority::new(DOMAIN));
    let both = loaded(&old.svid(NODE), &[&old, &new]).unwrap();
    let before = loaded(&old.svid(NODE), &[&old, &new]).unwrap();
    let after = loaded(&new.svid(NODE), &[&new]).unwrap();

    let _first = connect(&both.client, &before.server, NAME);
    let resumed = connect(&both.client, &before.server, NAME);
    assert_eq!(
        resumed.server.handshake_kind(),
        Some(HandshakeKind::Resumed)
    );
    let refused = connect(&both.client, &after.server, NAME);

    assert!(refused.server_error.is_some());
}

#[test]
fn a_resumed_session_does_not_outlive_the_certificate_of_its_peer() {
    let authority = Authority::new(DOMAIN);
    let mut params = workload_params(&["spiffe://shop.example/service/orders"]);
    params.not_after = date_time_ymd(2400, 1, 1);
    let identity = loaded(&authority.sign(&params), &[&authority]).unwrap();
    let _first = connect(&identity.client, &identity.server, NAME);
    let resumed = connect(&identity.client, &identity.server, NAME);
    let shown = resumed.client.peer_certificates().unwrap();
    let later = UnixTime::since_unix_epoch(Duration::from_secs(
        u64::try_from(identity.not_after_unix).unwrap() + 1,
    ));

    assert_eq!(identity.peer(shown, later), Err(PeerError::Expired));
}

#[test]
fn no_early_data_and_no_stateless_ticket_is_offered() {
    let authority = Authority::new(DOMAIN);
    let identity = loaded(&authority.svid(NODE), &[&authority]).unwrap();

    assert_eq!(identity.server.max_early_data_size, 0);
    assert!(!identity.server.ticketer.enabled());
    assert!(!identity.client.enable_early_data);
}

/// Answers every connection with one byte, with the identity that is current when it comes.
async fn answer(listener: TcpListener, node: &Node) {
    loop {
        let (stream, _address) = listener.accept().await.unwrap();
        let server: Arc<ServerConfig> = Arc::clone(&node.slot.load_full().unwrap().server);
        tokio::spawn(async move {
            if let Ok(mut stream) = TlsAcceptor::from(server).accept(stream).await {
                let _answered = stream.write_all(b"!").await;
                let _closed = stream.shutdown().await;
            }
        });
    }
}

/// Calls until told to stop; every call must be answered. Returns how many there were.
async fn call(address: std::net::SocketAddr, node: &Node, stop: &AtomicBool) -> u32 {
    let mut answered = 0;
    while !stop.load(Ordering::Relaxed) {
        let client = Arc::clone(&node.slot.load_full().unwrap().client);
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from(NAME).unwrap();
        let mut stream = TlsConnector::from(client)
            .connect(name, stream)
            .await
            .unwrap();
        let mut byte = [0; 1];
        stream.read_exact(&mut byte).await.unwrap();
        answered += 1;
    }
    answered
}

/// Rotates one node after the other; the authority is replaced with both in the bundle in between.
async fn rotate(nodes: [&Node; 2], old: &Authority, new: &Authority) {
    let steps = [
        (old, vec![old]),
        (old, vec![old, new]),
        (new, vec![old, new]),
        (new, vec![new]),
    ];
    for (issuer, bundle) in steps {
        for node in nodes {
            let before = node.status.rotations();
            issuer.svid(NODE).write(node.directory.path(), &bundle);
            while node.status.rotations() == before {
                tokio::task::yield_now().await;
            }
        }
    }
}

#[tokio::test]
async fn rotation_loses_no_handshake() {
    let (old, new) = (Authority::new(DOMAIN), Authority::new(DOMAIN));
    let (server, client) = (Node::new(&old), Node::new(&old));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = AtomicBool::new(false);

    let load = async {
        let (answered, ()) = tokio::join!(call(address, &client, &stop), async {
            rotate([&server, &client], &old, &new).await;
            stop.store(true, Ordering::Relaxed);
        });
        answered
    };
    let answered = time::timeout(Duration::from_mins(1), async {
        tokio::select! {
            biased;
            () = answer(listener, &server) => 0,
            never = watch(&server.files, &server.slot, &server.status, |_rotation| {}) => match never {},
            never = watch(&client.files, &client.slot, &client.status, |_rotation| {}) => match never {},
            answered = load => answered,
        }
    })
    .await
    .unwrap();

    assert!(8 < answered, "{answered}");
    assert_eq!(
        (server.status.rotations(), client.status.rotations()),
        (4, 4)
    );
}

#[tokio::test]
async fn a_symlink_swap_is_noticed() {
    let authority = Authority::new(DOMAIN);
    let root = tempfile::tempdir().unwrap();
    for version in ["..v1", "..v2"] {
        fs::create_dir(root.path().join(version)).unwrap();
        authority
            .svid(NODE)
            .write(&root.path().join(version), &[&authority]);
    }
    symlink("..v1", root.path().join("..data")).unwrap();
    for name in ["svid.pem", "svid_key.pem", "svid_bundle.pem"] {
        symlink(format!("..data/{name}"), root.path().join(name)).unwrap();
    }
    let files = IdentityFiles::new(root.path(), DOMAIN, NODE).unwrap();
    let slot = ArcSwapOption::from_pointee(load(root.path()).unwrap());
    let status = IdentityStatus::default();
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();

    let watching = watch(&files, &slot, &status, |rotation| {
        told.send(rotation).unwrap();
    });
    let swapping = async {
        tokio::task::yield_now().await;
        symlink("..v2", root.path().join("..data_tmp")).unwrap();
        fs::rename(root.path().join("..data_tmp"), root.path().join("..data")).unwrap();
        heard.recv().await
    };
    let rotation = time::timeout(Duration::from_secs(20), async {
        tokio::select! {
            biased;
            never = watching => match never {},
            rotation = swapping => rotation,
        }
    })
    .await
    .unwrap();

    assert_eq!(rotation, Some(Rotation::Certificate));
    assert_eq!(
        slot.load_full().unwrap().digest,
        load(root.path()).unwrap().digest
    );
}
