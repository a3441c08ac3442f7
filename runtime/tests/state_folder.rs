//! The state folder when it is broken, read-only, gone or littered: said, and served on.
#![cfg(test)]

#[path = "common/delivery.rs"]
mod delivery;
#[path = "common/piped.rs"]
mod process;

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, UNIX_EPOCH};

use delivery::{Dist, NODE, free_port, page, until, until_good};
use process::{Process, metric, text};
use weft_runtime::control::{Proxy, clock};
use weft_runtime::settings::Settings;

fn settings(dist: &Dist) -> Settings {
    let mut settings = dist.settings();
    settings.state_dir = Some(dist.state());
    settings
}

fn node_folder(dist: &Dist) -> PathBuf {
    dist.state().join(NODE)
}

/// Serves `generation` until it is good, then ends.
fn serve_until_good(dist: &Dist, generation: u64) {
    dist.deliver("kept", generation);
    let proxy = Proxy::start(settings(dist)).unwrap();
    until_good(dist, generation);
    drop(proxy);
}

#[test]
fn a_garbage_fence_is_read_from_the_records() {
    let dist = Dist::new();
    serve_until_good(&dist, 7);
    let fence = node_folder(&dist).join("fence");
    for garbage in [&b"\xff\xfe"[..], b"", b"seven", b"-1"] {
        fs::write(&fence, garbage).unwrap();
        dist.deliver("older", 6);
        let proxy = Proxy::start(settings(&dist)).unwrap();
        assert_eq!(dist.answer(), "kept", "{garbage:?}");
        let refusal = page(&proxy, "/snapshot")["lastRefusal"].clone();
        assert_eq!(refusal["reason"], "older-generation");
    }

    fs::write(&fence, "garbage").unwrap();
    dist.deliver("newer", 8);
    let _proxy = Proxy::start(settings(&dist)).unwrap();
    assert_eq!(dist.answer(), "newer");
    assert_eq!(fs::read_to_string(&fence).unwrap(), "8", "it is mended");
}

#[test]
fn a_crash_between_record_and_fence_does_not_lower_the_fence() {
    let dist = Dist::new();
    serve_until_good(&dist, 7);
    fs::write(node_folder(&dist).join("fence"), "5").unwrap();
    dist.deliver("older", 6);

    let _proxy = Proxy::start(settings(&dist)).unwrap();

    assert_eq!(dist.answer(), "kept");
}

#[test]
fn left_over_files_are_swept_and_nothing_else_is() {
    let dist = Dist::new();
    serve_until_good(&dist, 1);
    let folder = node_folder(&dist);
    let names = [
        ".new-4194305",
        ".new-4194305-0123456789abcdef",
        ".new-4194306",
        ".new-1",
        ".new-",
        ".new-1x",
        "new-1",
        "notes",
    ];
    for name in names {
        fs::write(folder.join(name), "x").unwrap();
    }
    let future = fs::File::options()
        .write(true)
        .open(folder.join(".new-4194306"));
    let later = UNIX_EPOCH + clock::unix_time() + Duration::from_hours(1);
    future.unwrap().set_modified(later).unwrap();

    let _proxy = Proxy::start(settings(&dist)).unwrap();

    let left: Vec<&str> = names
        .into_iter()
        .filter(|name| folder.join(name).exists())
        .collect();
    assert_eq!(
        left,
        [
            ".new-4194306",
            ".new-1",
            ".new-",
            ".new-1x",
            "new-1",
            "notes"
        ]
    );
}

#[test]
fn a_state_folder_that_cannot_be_made_is_said_and_served_without() {
    let dist = Dist::new();
    dist.deliver("text", 1);
    let file = dist.folder.path().join("file");
    fs::write(&file, "no folder").unwrap();
    let mut settings = settings(&dist);
    settings.state_dir = Some(file.join("state"));

    let proxy = Proxy::start(settings).unwrap();

    assert_eq!(dist.answer(), "text");
    let ready = page(&proxy, "/ready");
    assert_eq!(ready["ready"], true);
    assert!(ready["stateFolderError"].is_string(), "{ready}");
}

#[test]
fn a_state_folder_that_vanishes_is_said_and_used_again_when_it_is_back() {
    let dist = Dist::new();
    dist.deliver("first", 1);
    let proxy = Proxy::start(settings(&dist)).unwrap();
    until_good(&dist, 1);
    let error = || page(&proxy, "/ready")["stateFolderError"].clone();
    assert!(error().is_null());

    let away = dist.folder.path().join("away");
    fs::rename(dist.state(), &away).unwrap();
    dist.deliver("second", 2);
    until("the second is served", || dist.answer() == "second");
    until("the fault is said", || error().is_string());
    assert!(
        !dist.state().exists(),
        "a volume that went away is not made"
    );

    fs::create_dir(dist.state()).unwrap();
    dist.deliver("third", 3);
    until("the third is served", || dist.answer() == "third");
    until("the fault is over", || error().is_null());
    until_good(&dist, 3);
}

/// Whether this test may run processes as somebody else, whom permissions bind.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| {
        use std::os::unix::fs::MetadataExt;
        metadata.uid() == 0
    })
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Makes the user `owner` the owner of `path` and of all below it.
fn give(path: &Path, owner: u32) {
    std::os::unix::fs::chown(path, Some(owner), Some(owner)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), owner);
        }
    }
}

#[test]
fn a_read_only_state_folder_is_said_and_served_from() {
    let dist = Dist::new();
    serve_until_good(&dist, 1);
    allow(dist.folder.path(), 0o755);
    let folder = node_folder(&dist);
    for folder in [
        &folder,
        &folder.join("records"),
        &folder.join("blobs/sha256"),
    ] {
        allow(folder, 0o555);
    }
    // A source that is bad: what is served must come from the folder.
    dist.index(b"garbage");
    let (admin, state) = (free_port(), text(&dist.state()));
    let address = format!("127.0.0.1:{admin}");
    let mut command = Process::command_of(&dist.executable_for_others(), &dist);
    command.args([
        "--admin",
        &address,
        "--state-dir",
        &state,
        "--access-log",
        "off",
    ]);
    command.args(["--soak", "1ms"]);
    if is_root() {
        // Nobody but its owner reads the folder.
        give(&dist.state(), 65_534);
        command.uid(65_534).gid(65_534);
    }
    let command = command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut process = Process(command.stderr(Stdio::piped()).spawn().unwrap());
    until("the kept one is served", || dist.answer() == "kept");

    dist.deliver("newer", 2);
    until("the newer is served", || dist.answer() == "newer");
    let failures = || metric(admin, "weft_state_folder_failures_total");
    until("both failures are counted", || 2 <= failures());
    process.signal("-TERM");
    assert_eq!(process.ended().code(), Some(0));
    let mut log = String::new();
    process
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    let said = log.matches("the state folder cannot be written").count();
    assert_eq!(said, 1, "{log}");
}
