//! What a build leaves in a layout: its bytes, its generation, and what changes with an edit.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::tests::{build, generation, index, path, replace, started, weft};
use super::{Verdict, stored};

fn blobs(folder: &TempDir) -> usize {
    fs::read_dir(path(folder, "dist/blobs/sha256"))
        .unwrap()
        .count()
}

#[test]
fn the_day_of_a_build_changes_no_byte() {
    let folder = started();
    let spec = path(&folder, "spec");
    let at = |name: &str, more: &[&str]| {
        let dist = path(&folder, name);
        let arguments = [&["build", &spec, "-o", &dist], more].concat();
        assert_eq!(weft(&arguments), Ok(Verdict::Clean));
        fs::read(Path::new(&dist).join("index.json")).unwrap()
    };
    let without = at("without", &[]);
    assert_eq!(at("with", &["--now", "2026-11-26"]), without);
    assert_eq!(at("later", &["--now", "2099-01-01"]), without);
}

#[test]
fn a_build_without_a_change_writes_nothing() {
    let folder = started();
    assert_eq!(build(&folder), Ok(Verdict::Clean));
    let before = index(&folder);
    assert_eq!(build(&folder), Ok(Verdict::Clean));
    assert_eq!(index(&folder), before);
    assert_eq!(generation(&folder), 1);
}

#[test]
fn a_change_is_the_next_generation_and_the_previous_one_stays_readable() {
    let folder = started();
    build(&folder).unwrap();
    let dist = path(&folder, "dist");
    let first = stored::read(Path::new(&dist)).unwrap().unwrap();
    replace(
        &folder,
        "spec/services/hello.yaml",
        "request: 2s",
        "request: 3s",
    );
    build(&folder).unwrap();
    assert_eq!(generation(&folder), 2);
    for slice in first.manifest.nodes.values() {
        assert!(stored::blob(Path::new(&dist), slice.digest, 1 << 20).is_ok());
    }
    let after_two = blobs(&folder);
    for request in ["4s", "5s", "6s"] {
        replace(
            &folder,
            "spec/services/hello.yaml",
            "{request: ",
            &format!("{{idle: {request}, request: "),
        );
        let spec = path(&folder, "spec");
        weft(&["build", &spec, "-o", &dist, "--keep", "1"]).unwrap();
        replace(
            &folder,
            "spec/services/hello.yaml",
            &format!("idle: {request}, "),
            "",
        );
    }
    assert!(blobs(&folder) <= after_two + 2, "old blobs are removed");
}

#[test]
fn a_generation_may_be_given() {
    let folder = started();
    let (spec, dist) = (path(&folder, "spec"), path(&folder, "dist"));
    weft(&["build", &spec, "-o", &dist, "--generation", "41"]).unwrap();
    assert_eq!(generation(&folder), 41);
    replace(
        &folder,
        "spec/services/hello.yaml",
        "request: 2s",
        "request: 3s",
    );
    build(&folder).unwrap();
    assert_eq!(generation(&folder), 42);
}

#[test]
fn a_mistake_changes_nothing() {
    let folder = started();
    build(&folder).unwrap();
    let before = index(&folder);
    replace(&folder, "spec/services/hello.yaml", "to: hello", "to: helo");
    assert_eq!(build(&folder), Ok(Verdict::Rejected));
    assert_eq!(
        weft(&["check", &path(&folder, "spec")]),
        Ok(Verdict::Rejected)
    );
    assert_eq!(index(&folder), before);
}

#[test]
fn a_snapshot_does_not_depend_on_where_the_spec_is() {
    let (one, other) = (started(), started());
    fs::create_dir(path(&other, "deeper")).unwrap();
    fs::rename(path(&other, "spec"), path(&other, "deeper/spec")).unwrap();
    build(&one).unwrap();
    weft(&[
        "build",
        &path(&other, "deeper/spec"),
        "-o",
        &path(&other, "dist"),
    ])
    .unwrap();
    assert_eq!(index(&one), index(&other));
}

fn digests(folder: &TempDir) -> std::collections::BTreeMap<String, String> {
    let dist = path(folder, "dist");
    let manifest = stored::read(Path::new(&dist)).unwrap().unwrap().manifest;
    let nodes = manifest.nodes.iter();
    nodes
        .map(|(node, slice)| (node.clone(), slice.digest.to_string()))
        .chain([("origins".to_owned(), manifest.origins.digest.to_string())])
        .collect()
}

#[test]
fn the_same_files_in_two_folders_build_the_same_snapshot() {
    let (here, there) = (started(), started());
    build(&here).unwrap();
    build(&there).unwrap();
    assert!(!index(&here).is_empty());
    assert_eq!(index(&here), index(&there));
}

#[test]
fn an_edit_changes_only_the_digests_of_the_nodes_that_it_concerns() {
    let folder = started();
    build(&folder).unwrap();
    let before = digests(&folder);
    let edited = |from: &str, to: &str| {
        replace(&folder, "spec/services/hello.yaml", from, to);
        build(&folder).unwrap();
        digests(&folder)
    };

    let moved_app = edited("app: 127.0.0.1:9000", "app: 127.0.0.1:9001");
    assert_ne!(moved_app["service/hello"], before["service/hello"]);
    assert_eq!(moved_app["gateway/public"], before["gateway/public"]);
    assert_eq!(moved_app["origins"], before["origins"]);

    let moved_lines = edited("weft: v1\n", "weft: v1\n# one more line\n");
    assert_eq!(moved_lines["service/hello"], moved_app["service/hello"]);
    assert_eq!(moved_lines["gateway/public"], moved_app["gateway/public"]);
    assert_ne!(moved_lines["origins"], moved_app["origins"]);
}
