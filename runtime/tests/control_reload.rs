//! New snapshots are seen however they are delivered, soon, and without losing a request.
#![cfg(test)]

#[path = "common/delivery.rs"]
mod delivery;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use delivery::{
    Dist, add_listener, bundle, free_port, get, page, plan, until, until_good, write_layout,
};
use weft_runtime::control::{Proxy, StartError};
use weft_snapshot::settings::{
    Cluster, Endpoints, ListenerSecurity, UpstreamProtocol, UpstreamSecurity,
};

fn write_snapshot(folder: &Path, port: u16, generation: u64) {
    let bundle = bundle(&plan(port, &format!("snapshot {generation}")));
    write_layout(folder, &bundle);
    let index = delivery::write_manifest(folder, &bundle, generation);
    fs::write(folder.join("index.json"), index).unwrap();
}

fn swap(link: &Path, target: &str) {
    let temporary = link.with_file_name("..data_tmp");
    symlink(target, &temporary).unwrap();
    fs::rename(temporary, link).unwrap();
}

#[test]
fn every_swap_of_a_config_map_is_seen() {
    let dist = Dist::new();
    let mount = dist.path();
    fs::create_dir(&mount).unwrap();
    write_snapshot(&mount.join("..1"), dist.port, 1);
    swap(&mount.join("..data"), "..1");
    symlink("..data/index.json", mount.join("index.json")).unwrap();
    symlink("..data/oci-layout", mount.join("oci-layout")).unwrap();
    symlink("..data/blobs", mount.join("blobs")).unwrap();
    let mut settings = dist.settings();
    settings.poll = Duration::from_hours(1);
    let proxy = Proxy::start(settings).unwrap();

    for generation in 2..6 {
        let version = format!("..{generation}");
        write_snapshot(&mount.join(&version), dist.port, generation);
        swap(&mount.join("..data"), &version);
        fs::remove_dir_all(mount.join(format!("..{}", generation - 1))).unwrap();
        until("the swap is seen", || proxy.generation() == generation);
    }
    assert_eq!(dist.answer(), "snapshot 5");
}

#[test]
fn a_folder_that_is_a_swapped_link_is_seen() {
    let dist = Dist::new();
    let releases = dist.folder.path().join("releases");
    fs::create_dir(&releases).unwrap();
    write_snapshot(&releases.join("1"), dist.port, 1);
    swap(&dist.path(), "releases/1");
    let mut settings = dist.settings();
    settings.poll = Duration::from_hours(1);
    let proxy = Proxy::start(settings).unwrap();

    for generation in 2..6 {
        write_snapshot(
            &releases.join(generation.to_string()),
            dist.port,
            generation,
        );
        swap(&dist.path(), &format!("releases/{generation}"));
        until("the swap is seen", || proxy.generation() == generation);
    }
}

#[test]
fn a_new_snapshot_is_visible_soon_after_the_rename() {
    let dist = Dist::new();
    dist.deliver("snapshot 1", 1);
    let mut settings = dist.settings();
    settings.poll = Duration::from_hours(1);
    let proxy = Proxy::start(settings).unwrap();
    let mut delays = Vec::new();
    for generation in 2..42 {
        let next = bundle(&plan(dist.port, &format!("snapshot {generation}")));
        write_layout(&dist.path(), &next);
        dist.index(&delivery::write_manifest(&dist.path(), &next, generation));
        let renamed = Instant::now();
        until("the snapshot is visible", || {
            proxy.generation() == generation
        });
        delays.push(renamed.elapsed());
    }
    delays.sort_unstable();
    let (median, longest) = (delays[delays.len() / 2], delays[delays.len() - 1]);
    assert!(
        median <= Duration::from_millis(50),
        "median {median:?}, longest {longest:?}"
    );
}

/// Reads an answer whose body ends in `.`, which stands nowhere else behind the head.
fn one_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0_u8; 4_096];
    while !(answer.ends_with(b".") && answer.windows(4).any(|window| window == b"\r\n\r\n")) {
        let count = stream.read(&mut buffer).unwrap();
        assert!(0 < count, "closed after {}", answer.escape_ascii());
        answer.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(answer).unwrap()
}

#[test]
fn reloads_under_load_lose_nothing() {
    let dist = Dist::new();
    dist.deliver("snapshot 1.", 1);
    let proxy = Proxy::start(dist.settings()).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], dist.port));
    let served = std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(5)))
                .unwrap();
            let mut served = 0_u64;
            while proxy.generation() < 30 {
                stream
                    .write_all(b"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n")
                    .unwrap();
                let answer = one_answer(&mut stream);
                assert!(
                    answer.starts_with("HTTP/1.1 200 "),
                    "after {served}: {answer}"
                );
                served += 1;
            }
            served
        });
        for generation in 2..=30 {
            dist.deliver(&format!("snapshot {generation}."), generation);
            until("the snapshot is visible", || {
                proxy.generation() == generation
            });
        }
        load.join().unwrap()
    });
    assert!(29 < served);
}

#[test]
fn ports_come_and_go_with_snapshots() {
    let dist = Dist::new();
    dist.deliver("one port", 1);
    let proxy = Proxy::start(dist.settings()).unwrap();
    let other = free_port();
    let address = SocketAddr::from(([127, 0, 0, 1], other));

    let mut two = plan(dist.port, "two ports");
    add_listener(&mut two, other);
    dist.publish(&bundle(&two), 2);
    until("the new port answers", || {
        get(address, "/").is_ok_and(|(_, it)| it == "two ports")
    });

    dist.deliver("one port again", 3);
    until("the old port is closed", || {
        TcpStream::connect(address).is_err()
    });
    assert_eq!(dist.answer(), "one port again");
    assert_eq!(proxy.generation(), 3);
}

#[test]
fn a_taken_port_refuses_the_snapshot_and_changes_nothing() {
    let dist = Dist::new();
    dist.deliver("good", 1);
    let proxy = Proxy::start(dist.settings()).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();

    let mut two = plan(dist.port, "never");
    add_listener(&mut two, taken.local_addr().unwrap().port());
    dist.publish(&bundle(&two), 2);

    until("it is refused", || {
        page(&proxy, "/snapshot")["refusals"]["bind-failed"] == 1
    });
    assert_eq!(dist.answer(), "good");
    drop(taken);
    until("it is tried again", || proxy.generation() == 2);
}

#[test]
fn an_older_generation_is_taken_only_by_name_also_after_a_restart() {
    let dist = Dist::new();
    dist.deliver("new", 7);
    let mut settings = dist.settings();
    settings.state_dir = Some(dist.state());
    let proxy = Proxy::start(settings.clone()).unwrap();
    until_good(&dist, 7);
    drop(proxy);
    fs::remove_dir_all(dist.path()).unwrap();
    dist.deliver("old", 5);

    let proxy = Proxy::start(settings.clone()).unwrap();
    assert_eq!(dist.answer(), "new");
    drop(proxy);

    settings.allow_older_generation = Some(5);
    let _proxy = Proxy::start(settings).unwrap();
    assert_eq!(dist.answer(), "old");
}

#[test]
fn the_state_folder_serves_while_the_source_is_gone() {
    let dist = Dist::new();
    let mut settings = dist.settings();
    settings.state_dir = Some(dist.state());
    dist.deliver("kept", 4);
    let proxy = Proxy::start(settings.clone()).unwrap();
    until_good(&dist, 4);
    drop(proxy);
    fs::remove_dir_all(dist.path()).unwrap();

    let proxy = Proxy::start(settings).unwrap();

    assert_eq!(dist.answer(), "kept");
    assert_eq!(
        page(&proxy, "/snapshot")["lastRefusal"]["reason"],
        "source-unreadable"
    );
    dist.deliver("back", 5);
    until("the source is back", || dist.answer() == "back");
}

#[test]
fn only_what_served_for_the_soak_time_is_a_way_back() {
    let dist = Dist::new();
    let mut settings = dist.settings();
    settings.state_dir = Some(dist.state());
    settings.soak = Duration::from_hours(1);
    dist.deliver("too young", 1);
    drop(Proxy::start(settings.clone()).unwrap());
    dist.index(b"garbage");

    assert!(matches!(
        Proxy::start(settings),
        Err(StartError::NoSnapshot(_))
    ));
}

#[test]
fn endpoints_of_files_follow_the_file() {
    let dist = Dist::new();
    let file = dist.folder.path().join("orders.json");
    fs::write(&file, r#"["127.0.0.1:7001"]"#).unwrap();
    let mut plan = plan(dist.port, "text");
    plan.settings.clusters.push(Cluster {
        name: "orders".to_owned(),
        protocol: UpstreamProtocol::Http1,
        security: UpstreamSecurity::Plaintext,
        endpoints: Endpoints::File {
            path: file.display().to_string(),
        },
        keep_alive_millis: 60_000,
        host: None,
    });
    dist.publish(&bundle(&plan), 1);
    let proxy = Proxy::start(dist.settings()).unwrap();
    let entry = || page(&proxy, "/endpoints")[0].clone();
    assert_eq!(entry()["clusters"][0], "orders");
    assert_eq!(entry()["addresses"][0], "127.0.0.1:7001");

    fs::write(&file, r#"["127.0.0.1:7002", "127.0.0.1:7003"]"#).unwrap();
    until("the new list is used", || {
        entry()["addresses"][1] == "127.0.0.1:7003"
    });

    fs::write(&file, "[").unwrap();
    until("the bad file is reported", || entry()["error"].is_string());
    assert_eq!(entry()["addresses"][0], "127.0.0.1:7002");
}

#[test]
fn the_admin_endpoint_says_what_it_has_and_drains_on_demand() {
    let dist = Dist::new();
    dist.deliver("text", 1);
    let proxy = Proxy::start(dist.settings()).unwrap();
    let admin = proxy.admin_address().unwrap();

    assert_eq!(delivery::admin(admin, "/live").unwrap().0, 200);
    assert_eq!(delivery::admin(admin, "/ready").unwrap().0, 200);
    let (status, body) = delivery::admin(admin, "/nothing").unwrap();
    assert_eq!(status, 404);
    assert!(body.contains("/snapshot"), "{body}");
    assert_eq!(delivery::admin(admin, "/drain").unwrap().0, 405);
    assert_eq!(
        delivery::call_admin(admin, "POST /live", "").unwrap().0,
        405
    );
    let snapshot = page(&proxy, "/snapshot");
    assert_eq!(snapshot["node"], delivery::NODE);
    assert!(snapshot["slice"].as_str().unwrap().starts_with("sha256:"));
    dist.answer();
    let (_status, metrics) = delivery::admin(admin, "/metrics").unwrap();
    assert!(
        metrics.contains(r#"weft_requests_total{route="all/0",class="2xx"} 1"#),
        "{metrics}"
    );
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");

    assert_eq!(
        delivery::call_admin(admin, "POST /drain", delivery::CHANGES)
            .unwrap()
            .0,
        202
    );
    proxy.join();
    assert!(TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], dist.port))).is_err());
}

#[test]
fn the_three_latest_good_ones_and_the_active_one_are_kept() {
    let dist = Dist::new();
    let mut settings = dist.settings();
    settings.state_dir = Some(dist.state());
    dist.deliver("snapshot 1", 1);
    let proxy = Proxy::start(settings.clone()).unwrap();
    until_good(&dist, 1);
    for generation in 2..7 {
        dist.deliver(&format!("snapshot {generation}"), generation);
        until_good(&dist, generation);
    }
    proxy.drain();
    proxy.join();
    let node = dist.state().join(delivery::NODE);
    let count = |folder: &str| fs::read_dir(node.join(folder)).unwrap().count();
    assert_eq!(count("records"), 3);
    // Three manifests, three slices, and the origins, which are the same.
    assert_eq!(count("blobs/sha256"), 7);

    fs::remove_dir_all(dist.path()).unwrap();
    let blobs = node.join("blobs/sha256");
    let newest = bundle(&plan(dist.port, "snapshot 6"));
    let slice = newest.contents().nodes[delivery::NODE].digest;
    fs::write(blobs.join(slice.hex()), "spoiled").unwrap();
    let _proxy = Proxy::start(settings).unwrap();
    assert_eq!(dist.answer(), "snapshot 5");
}

#[test]
fn a_snapshot_that_needs_an_identity_is_refused_without_one() {
    let dist = Dist::new();
    dist.deliver("plain", 1);
    let proxy = Proxy::start(dist.settings()).unwrap();
    let mut strict = plan(dist.port, "strict");
    strict.settings.listeners[0].security = ListenerSecurity::Mtls;
    dist.publish(&bundle(&strict), 2);

    until("it is refused", || {
        page(&proxy, "/snapshot")["refusals"]["no-identity"] == 1
    });
    assert_eq!(dist.answer(), "plain");
}
