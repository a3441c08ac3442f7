//! Layouts of which something is damaged: what is whole is used, and what is not is said.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::tests::{build, generation, path, replace, started, weft};
use super::{Verdict, stored};

#[test]
fn a_damaged_blob_is_written_again() {
    let folder = started();
    build(&folder).unwrap();
    let dist = path(&folder, "dist");
    let manifest = stored::read(Path::new(&dist)).unwrap().unwrap().manifest;
    let slice = manifest.nodes["service/hello"].digest;
    fs::write(Path::new(&dist).join(slice.blob_path()), b"half").unwrap();
    assert!(weft(&["inspect", &dist, "--node", "service/hello"]).is_err());
    build(&folder).unwrap();
    assert_eq!(
        weft(&["inspect", &dist, "--node", "service/hello"]),
        Ok(Verdict::Clean)
    );
}

#[test]
fn a_damaged_index_needs_a_generation() {
    let folder = started();
    build(&folder).unwrap();
    fs::write(path(&folder, "dist/index.json"), b"{}").unwrap();
    assert!(build(&folder).unwrap_err().contains("--generation"));
    let (spec, dist) = (path(&folder, "spec"), path(&folder, "dist"));
    weft(&["build", &spec, "-o", &dist, "--generation", "7"]).unwrap();
    assert_eq!(generation(&folder), 7);
}

#[test]
fn a_damaged_blob_answers_no_question() {
    let folder = started();
    build(&folder).unwrap();
    let dist = path(&folder, "dist");
    let asked = ["why", "GET http://localhost/", "--snapshot", &dist];
    assert_eq!(weft(&asked), Ok(Verdict::Clean));
    let stored = stored::read(Path::new(&dist)).unwrap().unwrap();
    for slice in stored.manifest.nodes.values() {
        let blob = Path::new(&dist).join(slice.digest.blob_path());
        let mut bytes = fs::read(&blob).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&blob, bytes).unwrap();
    }
    let said = weft(&asked).unwrap_err();
    assert!(said.contains("missing or damaged"), "{said}");
    assert!(weft(&["diff", &dist, &path(&folder, "spec")]).is_err());
    // A snapshot does not say whose requests are whose, and a team has to be one.
    let (spec, whose) = (path(&folder, "spec"), ["--by", "nobody"]);
    assert!(weft(&["diff", &spec, &spec, whose[0], whose[1]]).is_err());
    assert_eq!(
        weft(&["diff", &spec, &spec, "--by", "platform"]),
        Ok(Verdict::Clean)
    );
}

/// A layout with three generations, and the file of the manifest that one of them has.
fn three() -> (TempDir, impl Fn(&str) -> String) {
    let folder = started();
    let file = "spec/services/hello.yaml";
    let times = ["request: 2s", "request: 3s", "request: 4s"];
    build(&folder).unwrap();
    for pair in times.windows(2) {
        replace(&folder, file, pair[0], pair[1]);
        build(&folder).unwrap();
    }
    let dist = path(&folder, "dist");
    let manifest = move |tag: &str| {
        let found = stored::read(Path::new(&format!("{dist}:{tag}"))).unwrap();
        let blob = found.unwrap().descriptor.digest.blob_path();
        Path::new(&dist).join(blob).display().to_string()
    };
    (folder, manifest)
}

#[test]
fn an_older_generation_that_is_damaged_takes_nothing_else_away() {
    for damage in ["gone", "damaged", "no manifest of ours"] {
        let (folder, manifest) = three();
        let (spec, dist) = (path(&folder, "spec"), path(&folder, "dist"));
        let old = manifest("generation-1");
        match damage {
            "gone" => fs::remove_file(&old).unwrap(),
            _ => fs::write(&old, damage).unwrap(),
        }
        let at = |tag: &str| format!("{dist}:{tag}");
        let (newest, second) = (at("latest"), at("generation-2"));
        let asked: [&[&str]; 6] = [
            &["inspect", &dist],
            &["inspect", &newest],
            &["inspect", &second, "--node", "service/hello"],
            &["diff", &second, &dist],
            &["why", "GET http://localhost/", "--snapshot", &second],
            &["build", &spec, "-o", &dist],
        ];
        for arguments in asked {
            assert_eq!(
                weft(arguments),
                Ok(Verdict::Clean),
                "{damage}: {arguments:?}"
            );
        }
        let said = weft(&["inspect", &at("generation-1")]).unwrap_err();
        assert!(said.contains(&old), "{said}");
        assert!(weft(&["rollback", &dist, "--to", "1"]).is_err());
        assert_eq!(generation(&folder), 3);
        assert_eq!(weft(&["rollback", &at("generation-2")]), Ok(Verdict::Clean));
        assert_eq!(generation(&folder), 4);
        replace(
            &folder,
            "spec/services/hello.yaml",
            "request: 4s",
            "request: 5s",
        );
        build(&folder).unwrap();
        let kept = tags(&folder);
        assert_eq!(
            kept,
            [
                "generation-1",
                "generation-2",
                "generation-3",
                "generation-4",
                "latest"
            ]
        );
        // What is kept no longer goes, whether it can be read or not.
        let few = weft(&["build", &spec, "-o", &dist, "--keep", "2"]);
        assert_eq!(few, Ok(Verdict::Clean));
        assert_eq!(tags(&folder), ["generation-4", "latest"]);
    }
}

/// The tags of a layout, as its index has them.
fn tags(folder: &TempDir) -> Vec<String> {
    let index = fs::read(path(folder, "dist/index.json")).unwrap();
    let index = weft_snapshot::layout::Index::parse(&index).unwrap();
    let mut tags: Vec<String> = index
        .entries
        .into_iter()
        .filter_map(|one| one.tag)
        .collect();
    tags.sort();
    tags
}

#[test]
fn a_newest_generation_that_is_damaged_is_said_and_costs_no_older_one() {
    let (folder, manifest) = three();
    let (spec, dist) = (path(&folder, "spec"), path(&folder, "dist"));
    fs::write(manifest("latest"), "damaged").unwrap();
    let said = weft(&["inspect", &dist]).unwrap_err();
    assert!(said.contains("may be the newest snapshot"), "{said}");
    assert!(
        said.contains(&format!("`{dist}:TAG` is another one")),
        "{said}"
    );
    let second = weft(&["inspect", &format!("{dist}:generation-2")]);
    assert_eq!(second, Ok(Verdict::Clean));
    assert!(build(&folder).unwrap_err().contains("--generation"));
    let given = |number: &str| weft(&["build", &spec, "-o", &dist, "--generation", number]);
    assert!(given("2").unwrap_err().contains("generation 2 is below 3"));
    assert_eq!(given("4"), Ok(Verdict::Clean));
    assert_eq!(generation(&folder), 4);
    assert_eq!(tags(&folder), ["generation-1", "generation-2", "latest"]);
}

#[test]
fn a_tag_is_no_folder_to_write_to() {
    let (folder, _) = three();
    let (spec, dist) = (path(&folder, "spec"), path(&folder, "dist"));
    let said = weft(&["build", &spec, "-o", &format!("{dist}:mine")]).unwrap_err();
    assert!(said.contains("leave `:mine` out"), "{said}");
    let said = weft(&["rollback", &dist]).unwrap_err();
    assert!(said.contains("Say it by `--to N`"), "{said}");
    let tagged = format!("{dist}:generation-1");
    let said = weft(&["rollback", &tagged, "--to", "1"]).unwrap_err();
    assert!(said.contains("leave one out"), "{said}");
}
