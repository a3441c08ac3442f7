//! Kinds of bad snapshots, all of which change nothing: not for a running proxy, and not for a restarted one.
#![cfg(test)]

#[path = "common/delivery.rs"]
mod delivery;

use std::fs::{self, File};

use delivery::{Dist, bundle, bundle_of, page, plan, route, until, until_good};
use weft_runtime::control::{Proxy, StartError};
use weft_snapshot::automaton::compile;
use weft_snapshot::layout::{Bundle, Descriptor, Digest, Entry, Index, LATEST};
use weft_snapshot::plan::{Action, Backend, PathPattern};

/// How to spoil a folder, and the reason that the proxy gives.
type Kind = (&'static str, &'static str, fn(&Dist));

const GENERATION: u64 = 7;

const KINDS: [Kind; 16] = [
    ("garbage", "bad-index", |dist| {
        dist.index(b"\x00\xff{{{ garbage");
    }),
    ("half", "bad-index", |dist| {
        let whole = next(dist, "half").numbered(GENERATION).index;
        dist.index(&whole[..whole.len() / 2]);
    }),
    ("another version", "bad-index", |dist| {
        let next = next(dist, "another version").numbered(GENERATION).index;
        dist.index(&replaced(
            next,
            b"\"schemaVersion\":2",
            b"\"schemaVersion\":3",
        ));
    }),
    ("something else", "bad-index", |dist| {
        let next = next(dist, "something else").numbered(GENERATION).index;
        dist.index(&replaced(next, b"weft.snapshot", b"weft.snapshit"));
    }),
    ("no generation", "bad-manifest", |dist| {
        let good = next(dist, "no generation");
        let manifest = good.numbered(GENERATION).manifest;
        publish_manifest(dist, replaced(manifest, b"dev.weft.gen", b"dev.weft.nix"));
    }),
    ("no layout", "bad-layout", |dist| {
        next(dist, "no layout");
        fs::remove_file(dist.path().join("oci-layout")).unwrap();
        dist.deliver_index("no layout", GENERATION);
    }),
    ("empty", "bad-index", |dist| dist.index(b"")),
    ("unknown field", "bad-slice", |dist| {
        let slice = plan(dist.port, "unknown field").encode().unwrap();
        dist.publish(
            &bundle_of(replaced(slice, b"\"mesh\":", b"\"mesx\":")),
            GENERATION,
        );
    }),
    ("dangling", "bad-slice", |dist| {
        let mut plan = plan(dist.port, "dangling");
        let backends = vec![Backend {
            cluster: 99,
            share: 1_000_000,
        }];
        plan.tables[0].hosts[0].routes[0].outcome.action = Action::Forward { backends };
        dist.publish(&bundle_of(plan.encode_unchecked().unwrap()), GENERATION);
    }),
    ("no routes", "no-routes", |dist| {
        let mut plan = plan(dist.port, "no routes");
        plan.tables[0].hosts.clear();
        dist.publish(&bundle_of(plan.encode_unchecked().unwrap()), GENERATION);
    }),
    ("duplicate", "bad-manifest", |dist| {
        let good = next(dist, "duplicate");
        let text = String::from_utf8(good.numbered(GENERATION).manifest).unwrap();
        let (before, layers) = text.split_once("\"layers\":[").unwrap();
        let (layer, _rest) = layers.split_once("},{").unwrap();
        let twice = format!("{before}\"layers\":[{layer}}},{layers}");
        publish_manifest(dist, twice.into_bytes());
    }),
    ("bad regex", "bad-slice", |dist| {
        let mut plan = plan(dist.port, "bad regex");
        let mut extra = route("bad regex");
        extra.id = "regex/0".to_owned();
        extra.path = PathPattern::Regex {
            regex: "/v[0-9]+".to_owned(),
        };
        plan.tables[0].hosts[0].routes.insert(0, extra);
        let mut slice = plan.encode().unwrap();
        let automaton = compile(&["/v[0-9]+"]).unwrap();
        let length = automaton.bytes().len();
        let at = slice
            .windows(length)
            .position(|window| window == automaton.bytes())
            .unwrap();
        // Behind four numbers and the classes of 256 bytes stand the transitions.
        slice[at + 272..at + 304].fill(0xff);
        dist.publish(&bundle_of(slice), GENERATION);
    }),
    ("bad number", "bad-slice", |dist| {
        let mut plan = plan(dist.port, "bad number");
        if let Action::Respond { status, .. } =
            &mut plan.tables[0].hosts[0].routes[0].outcome.action
        {
            *status = 9_999;
        }
        dist.publish(&bundle_of(plan.encode_unchecked().unwrap()), GENERATION);
    }),
    ("wrong node", "wrong-node", |dist| {
        let mut plan = plan(dist.port, "wrong node");
        plan.settings.node = "gateway/other".to_owned();
        dist.publish(&bundle(&plan), GENERATION);
    }),
    ("older", "older-generation", |dist| dist.deliver("older", 2)),
    ("huge", "too-large", |dist| {
        let good = next(dist, "huge");
        let slice = good.contents().nodes[delivery::NODE];
        let huge = 300_u64 << 20;
        let text = String::from_utf8(good.numbered(GENERATION).manifest).unwrap();
        let size = format!("\"size\":{}", slice.size);
        let text = text.replacen(&size, &format!("\"size\":{huge}"), 2);
        let path = dist.path().join(slice.digest.blob_path());
        publish_manifest(dist, text.into_bytes());
        File::create(path).unwrap().set_len(huge).unwrap();
    }),
];

fn next(dist: &Dist, text: &str) -> Bundle {
    let bundle = bundle(&plan(dist.port, text));
    delivery::write_layout(&dist.path(), &bundle);
    bundle
}

fn publish_manifest(dist: &Dist, manifest: Vec<u8>) {
    let descriptor = Descriptor::of(&manifest);
    fs::write(dist.path().join(descriptor.digest.blob_path()), manifest).unwrap();
    let entry = Entry::of_snapshot(descriptor, LATEST);
    dist.index(&Index::new(vec![entry]).to_json());
}

fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

#[test]
fn a_running_proxy_serves_on_and_takes_the_next_good_one() {
    let dist = Dist::new();
    dist.deliver("good 3", 3);
    let proxy = Proxy::start(dist.settings()).unwrap();
    for (kind, reason, spoil) in KINDS {
        spoil(&dist);
        until(kind, || {
            page(&proxy, "/snapshot")["servingLastGood"] == true
        });

        assert_eq!(dist.answer(), "good 3", "{kind}");
        let refusal = &page(&proxy, "/snapshot")["lastRefusal"];
        assert_eq!(refusal["reason"], reason, "{kind}: {refusal}");
        let (status, ready) = delivery::admin(proxy.admin_address().unwrap(), "/ready").unwrap();
        assert_eq!(status, 200, "{kind}: {ready}");
        let (_status, metrics) =
            delivery::admin(proxy.admin_address().unwrap(), "/metrics").unwrap();
        let zero = format!("weft_snapshot_refusals_total{{reason=\"{reason}\"}} 0\n");
        assert!(!metrics.contains(&zero), "{kind}: {metrics}");
        assert!(metrics.contains("weft_snapshot_generation 3\n"), "{kind}");

        dist.deliver("good 3", 3);
        until(kind, || {
            page(&proxy, "/snapshot")["servingLastGood"] == false
        });
    }
    dist.deliver("good 8", 8);
    until("the next good one", || proxy.generation() == 8);
    assert_eq!(dist.answer(), "good 8");
}

#[test]
fn a_restarted_proxy_serves_the_last_good_one() {
    for (kind, reason, spoil) in KINDS {
        let dist = Dist::new();
        dist.deliver("good 3", 3);
        let mut settings = dist.settings();
        settings.state_dir = Some(dist.state());
        let first = Proxy::start(settings.clone()).unwrap();
        until_good(&dist, 3);
        first.drain();
        first.join();
        spoil(&dist);

        let second = Proxy::start(settings).unwrap();

        assert_eq!(dist.answer(), "good 3", "{kind}");
        let snapshot = page(&second, "/snapshot");
        assert_eq!(snapshot["servedFrom"], "state", "{kind}");
        assert_eq!(snapshot["lastRefusal"]["reason"], reason, "{kind}");
        assert_eq!(page(&second, "/ready")["servingLastGood"], true, "{kind}");
        dist.deliver("good 9", 9);
        until(kind, || dist.answer() == "good 9");
        assert_eq!(page(&second, "/snapshot")["servedFrom"], "source", "{kind}");
    }
}

#[test]
fn without_a_last_good_one_a_bad_snapshot_is_a_clear_error() {
    for (kind, reason, spoil) in KINDS {
        let dist = Dist::new();
        fs::create_dir_all(dist.path()).unwrap();
        if kind == "older" {
            continue;
        }
        spoil(&dist);
        match Proxy::start(dist.settings()) {
            Err(StartError::NoSnapshot(refusal)) => assert_eq!(refusal.reason.name(), reason),
            other => panic!("{kind}: {other:?}"),
        }
    }
}

#[test]
fn a_blob_with_other_bytes_is_refused() {
    let dist = Dist::new();
    let good = next(&dist, "good");
    let numbered = good.numbered(1);
    let mut blobs = good.blobs.clone();
    blobs.remove(&Digest::of(b"{}"));
    blobs.insert(numbered.descriptor.digest, numbered.manifest);
    for (digest, mut bytes) in blobs {
        dist.publish(&good, 1);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(dist.path().join(digest.blob_path()), bytes).unwrap();
        match Proxy::start(dist.settings()) {
            Err(StartError::NoSnapshot(refusal)) => {
                assert_eq!(refusal.reason.name(), "digest-mismatch");
            }
            other => panic!("{digest}: {other:?}"),
        }
    }
}
