//! Key and certificate that are written one after the other: whole within a second, or a warning.
#![cfg(test)]

#[path = "common/pki.rs"]
mod pki;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use pki::Authority;
use tempfile::TempDir;
use tokio::time::sleep;
use weft_runtime::identity::{EdgeListener, EdgeStore, Identity, IdentityFiles, IdentityStatus};

const DOMAIN: &str = "shop.example";
const NODE: &str = "service/orders";

/// Looked at right before the poll, which comes every 5 s.
const BEFORE_THE_POLL: Duration = Duration::from_millis(4_900);

/// What watches an identity in a directory.
struct Watched {
    directory: TempDir,
    files: IdentityFiles,
    slot: ArcSwapOption<Identity>,
    status: IdentityStatus,
}

impl Watched {
    fn new(authority: &Authority) -> Self {
        let directory = tempfile::tempdir().unwrap();
        authority.svid(NODE).write(directory.path(), &[authority]);
        let files = IdentityFiles::new(directory.path(), DOMAIN, NODE).unwrap();
        let identity = Identity::load(directory.path(), DOMAIN, NODE).unwrap();
        Self {
            directory,
            files,
            slot: ArcSwapOption::from_pointee(identity),
            status: IdentityStatus::default(),
        }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).unwrap();
    }

    /// Watches while `act` runs.
    async fn during(&self, act: impl Future<Output = ()>) {
        tokio::select! {
            never = weft_runtime::identity::watch(&self.files, &self.slot, &self.status, drop) => match never {},
            () = act => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_identity_that_is_whole_within_a_second_was_never_bad() {
    let authority = Authority::new(DOMAIN);
    let node = Watched::new(&authority);
    let fresh = authority.svid(NODE);

    node.during(async {
        sleep(BEFORE_THE_POLL).await;
        node.write("svid.pem", "");
        sleep(Duration::from_millis(300)).await;
        node.write("svid.pem", &fresh.chain_pem());
        sleep(Duration::from_millis(400)).await;
        node.write("svid_key.pem", &fresh.key_pem());
        sleep(Duration::from_secs(6)).await;
    })
    .await;

    assert_eq!(node.status.rotations(), 1);
    assert_eq!(node.status.failures(), 0);
    assert_eq!(node.status.last_error(), None);
}

#[tokio::test(start_paused = true)]
async fn an_identity_that_stays_bad_is_said_after_a_second() {
    let authority = Authority::new(DOMAIN);
    let node = Watched::new(&authority);
    let fresh = authority.svid(NODE);

    node.during(async {
        sleep(BEFORE_THE_POLL).await;
        node.write("svid.pem", &fresh.chain_pem());
        sleep(Duration::from_millis(900)).await;
        assert_eq!(node.status.failures(), 0);
        sleep(Duration::from_millis(600)).await;
        assert!(1 <= node.status.failures());
        let complaint = node.status.last_error().unwrap();
        assert!(complaint.contains("svid_key.pem"), "{complaint}");
        node.write("svid_key.pem", &fresh.key_pem());
        sleep(Duration::from_secs(6)).await;
    })
    .await;

    assert_eq!(node.status.rotations(), 1);
    assert_eq!(node.status.last_error(), None);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_certificate_that_is_whole_within_a_second_was_never_bad() {
    let authority = Authority::new("web.example");
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { directory.path().join(name) };
    authority
        .web(&["a.test"])
        .write_pair(&path("a.pem"), &path("a.key"));
    let store = EdgeStore::default();
    let listener = EdgeListener {
        hosts: vec!["a.test".to_owned()],
        chain: path("a.pem"),
        key: path("a.key"),
        default: None,
    };
    let _in_use = store.config(&[listener]).unwrap();
    let fresh = authority.web(&["a.test"]);

    let act = async {
        sleep(BEFORE_THE_POLL).await;
        fs::write(path("a.pem"), fresh.chain_pem()).unwrap();
        sleep(Duration::from_millis(700)).await;
        fs::write(path("a.key"), fresh.key_pem()).unwrap();
        sleep(Duration::from_secs(6)).await;
        assert_eq!(store.status().rotations(), 1);
        assert_eq!(store.status().failures(), 0);
        fs::write(path("a.pem"), authority.web(&["a.test"]).chain_pem()).unwrap();
        sleep(Duration::from_secs(7)).await;
        assert!(store.status().last_error().is_some());
    };
    tokio::select! {
        never = store.watch() => match never {},
        () = act => {}
    }
}
