//! Commands on real folders, from arguments to exit codes.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use weft_front::diagnostic::Severity;

use super::*;

/// Runs `weft` and gives its verdict; an error is wrong usage or failing IO.
pub(super) fn weft(arguments: &[&str]) -> Result<Verdict, String> {
    let arguments = std::iter::once("weft").chain(arguments.iter().copied());
    let arguments = Arguments::try_parse_from(arguments).map_err(|error| error.to_string())?;
    let (context, command) = arguments.parts();
    execute(&context, &command).map_err(|error| format!("{error:#}"))
}

pub(super) fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

pub(super) fn started() -> TempDir {
    let folder = TempDir::new().unwrap();
    let spec = path(&folder, "spec");
    assert_eq!(weft(&["init", &spec]), Ok(Verdict::Clean));
    folder
}

pub(super) fn index(folder: &TempDir) -> Vec<u8> {
    fs::read(path(folder, "dist/index.json")).unwrap_or_default()
}

pub(super) fn generation(folder: &TempDir) -> u64 {
    let dist = path(folder, "dist");
    stored::read(Path::new(&dist)).unwrap().unwrap().generation
}

pub(super) fn build(folder: &TempDir) -> Result<Verdict, String> {
    weft(&["build", &path(folder, "spec"), "-o", &path(folder, "dist")])
}

pub(super) fn replace(folder: &TempDir, name: &str, from: &str, to: &str) {
    let path = path(folder, name);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from));
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_fresh_spec_has_no_findings() {
    let folder = started();
    let spec = path(&folder, "spec");
    let loaded = load::spec(Path::new(&spec), &[]).unwrap();
    let (checked, mut found) = weft_tell::check_spec(
        &loaded.sources,
        &loaded.values,
        &weft_front::Surroundings::default(),
    );
    found.retain(|found| found.severity != Severity::Info);
    assert!(found.is_empty(), "{found:#?}");
    assert!(checked.is_some());
    assert_eq!(weft(&["check", &spec]), Ok(Verdict::Clean));
}

#[test]
fn a_check_takes_the_day_it_is_given_or_that_of_the_clock() {
    let folder = started();
    let spec = path(&folder, "spec");
    assert_eq!(
        weft(&["check", &spec, "--now", "2026-11-26"]),
        Ok(Verdict::Clean)
    );
    assert!(weft(&["check", &spec, "--now", "tomorrow"]).is_err());
    assert!(Some("2026-11-01".parse().unwrap()) < check::today());
}

#[test]
fn init_does_not_overwrite() {
    let folder = started();
    assert!(
        weft(&["init", &path(&folder, "spec")])
            .unwrap_err()
            .contains("is there already")
    );
}

#[test]
fn inspect_prints_the_nodes_and_offers_the_nearest_name() {
    let folder = started();
    build(&folder).unwrap();
    let dist = path(&folder, "dist");
    assert_eq!(weft(&["inspect", &dist]), Ok(Verdict::Clean));
    assert_eq!(
        weft(&["inspect", &dist, "--node", "gateway/public"]),
        Ok(Verdict::Clean)
    );
    let error = weft(&["inspect", &dist, "--node", "gateway/pubilc"]).unwrap_err();
    assert!(error.contains("did you mean `gateway/public`?"), "{error}");
    assert!(weft(&["inspect", &path(&folder, "nothing")]).is_err());
}

#[test]
fn why_answers_from_a_spec_and_from_a_snapshot() {
    let folder = started();
    build(&folder).unwrap();
    let (spec, dist) = (path(&folder, "spec"), path(&folder, "dist"));
    let request = "GET http://localhost/a";
    assert_eq!(weft(&["why", request, "--spec", &spec]), Ok(Verdict::Clean));
    assert_eq!(
        weft(&["why", request, "--snapshot", &dist, "--format", "json"]),
        Ok(Verdict::Clean)
    );
    assert_eq!(
        weft(&["why", "POST http://localhost/a", "--snapshot", &dist]),
        Ok(Verdict::Clean)
    );
    assert!(weft(&["why", request, "--snapshot", &dist, "--node", "gateway/no"]).is_err());
    assert!(weft(&["why", request, "--snapshot", &dist, "--spec", &spec]).is_err());
    replace(&folder, "spec/services/hello.yaml", "to: hello", "to: helo");
    assert_eq!(
        weft(&["why", request, "--spec", &spec]),
        Ok(Verdict::Rejected)
    );
}

#[test]
fn a_failing_test_makes_the_verdict() {
    let folder = started();
    let (spec, file) = (path(&folder, "spec"), "spec/services/hello.yaml");
    let tests = "tests:\n  - {name: a, request: GET http://localhost/x, expect: {backend: hello, timeout: 2s}}\n";
    let text = fs::read_to_string(path(&folder, file)).unwrap();
    fs::write(path(&folder, file), text + tests).unwrap();
    assert_eq!(weft(&["test", &spec]), Ok(Verdict::Clean));
    assert_eq!(weft(&["test", &spec, "--mutate"]), Ok(Verdict::Clean));
    assert!(weft(&["test", &spec, "--all"]).is_err());
    // Nobody listens there.
    let nobody = ["test", &spec, "--live", "127.0.0.1:1"];
    assert_eq!(weft(&nobody), Ok(Verdict::Rejected));
    replace(&folder, file, "timeout: 2s}}", "timeout: 1s}}");
    assert_eq!(weft(&["test", &spec]), Ok(Verdict::Rejected));
    replace(&folder, file, "backend: hello", "backend: helo");
    assert_eq!(weft(&["test", &spec]), Ok(Verdict::Rejected));
}

#[test]
fn callers_and_calls_name_what_is_there() {
    let folder = started();
    let spec = path(&folder, "spec");
    assert_eq!(
        weft(&["callers", "hello", "--spec", &spec]),
        Ok(Verdict::Clean)
    );
    assert_eq!(weft(&["calls", "--spec", &spec]), Ok(Verdict::Clean));
    assert_eq!(
        weft(&["calls", "gateway/public", "--spec", &spec]),
        Ok(Verdict::Clean)
    );
    let unknown = weft(&["callers", "helo", "--spec", &spec]).unwrap_err();
    assert!(unknown.contains("there is no `service/helo`"), "{unknown}");
    let request = "GET http://localhost/a";
    let asked = ["why", request, "--spec", &spec, "--why-not", "hello/0"];
    assert_eq!(weft(&asked), Ok(Verdict::Clean));
    let asked = ["why", request, "--spec", &spec, "--why-not", "helo/0"];
    assert!(weft(&asked).is_err());
}

#[test]
fn dev_builds_and_ends_when_told_to() {
    let folder = started();
    let (spec, dist) = (path(&folder, "spec"), path(&folder, "dist"));
    assert_eq!(
        weft(&["dev", &spec, "-o", &dist, "--once"]),
        Ok(Verdict::Clean)
    );
    assert_eq!(generation(&folder), 1);
}

#[test]
fn dev_follows_changes() {
    let folder = started();
    let (spec, dist) = (path(&folder, "spec"), path(&folder, "dist"));
    std::thread::scope(|scope| {
        let dev = scope.spawn(|| weft(&["dev", &spec, "-o", &dist, "--builds", "2"]));
        // The first build is there once the index is; its end is bounded by that of `dev`.
        while index(&folder).is_empty() && !dev.is_finished() {
            std::thread::yield_now();
        }
        replace(
            &folder,
            "spec/services/hello.yaml",
            "request: 2s",
            "request: 3s",
        );
        assert_eq!(dev.join().unwrap(), Ok(Verdict::Clean));
    });
    assert_eq!(generation(&folder), 2);
}

#[test]
fn only_yaml_that_is_meant_is_read() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "weft: v1\n").unwrap();
    };
    let ignoring = |name: &str, lines: &str| fs::write(path(&folder, name), lines).unwrap();
    for name in [
        "b.yml",
        "a/x.yaml",
        "a/.hidden.yaml",
        ".git/x.yaml",
        "notes.txt",
        "env/prod.yaml",
        "skipped/x.yaml",
        "a/k8s/x.yaml",
        "k8s/kept.yaml",
        "a/chart-1.yaml",
        "b/x.yaml",
        "b/y.yaml",
    ] {
        write(name);
    }
    ignoring("skipped/.weftignore", "# all of it\n");
    ignoring(".weftignore", "k8s/\n!k8s/kept.yaml\n/a/chart-*.yaml\n");
    ignoring("b/.weftignore", "*.yaml\n!x.yaml\n");
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/loop")).unwrap();
    let values = [folder.path().join("env/prod.yaml")];
    let sources = load::sources(folder.path(), &values).unwrap();
    let paths: Vec<&str> = sources.iter().map(|(_, file)| file.path.as_str()).collect();
    assert_eq!(paths, ["a/x.yaml", "b.yml", "b/x.yaml"]);
    assert_eq!(sources.values().count(), 1);
}

#[test]
fn what_cannot_be_read_rejects_the_spec() {
    let folder = TempDir::new().unwrap();
    assert!(weft(&["check", &path(&folder, "nothing")]).is_err());
    assert!(
        weft(&["check", folder.path().to_str().unwrap()])
            .unwrap_err()
            .contains("no YAML file")
    );
    fs::write(folder.path().join("a.yaml"), b"weft: \xff").unwrap();
    let spec = folder.path().to_str().unwrap();
    assert_eq!(weft(&["check", spec]), Ok(Verdict::Rejected));
    let file = path(&folder, "a.yaml");
    assert!(weft(&["check", &file]).unwrap_err().contains("not UTF-8"));
}

#[test]
fn wrong_usage_is_refused() {
    assert!(weft(&["chekc"]).is_err());
    assert!(weft(&["buidl"]).is_err());
    assert!(weft(&["explain", "no-such-code"]).is_err());
    let refused = weft(&["explain", "no-rout"]).unwrap_err();
    assert!(refused.contains("no code, reason or class `no-rout`; did you mean `no-route`?"));
}

#[test]
fn help_pages_schemas_and_completions_are_printed() {
    for arguments in [
        &["explain"][..],
        &["explain", "duplicate-key"],
        &["explain", "no-route"],
        &["explain", "S1"],
        &["schema"],
        &["schema", "--draft-07"],
        &["schema", "--project"],
        &["schema", "--project", "--draft-07"],
        &["completions", "bash"],
        &["completions", "zsh"],
        &["man"],
        &["man", "build"],
    ] {
        assert_eq!(weft(arguments), Ok(Verdict::Clean), "{arguments:?}");
    }
    definition().debug_assert();
}
