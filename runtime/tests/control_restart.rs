//! A successor beside the old process, on the same addresses, while honest clients go on.
//!
//! `WEFT_ROUNDS=200 cargo test --release -p weft-runtime --test control_restart -- --nocapture` makes the runs
//! longer and shows the figures.
#![cfg(test)]
#![expect(clippy::print_stdout, reason = "the figures are for people")]

#[path = "common/delivery.rs"]
mod delivery;
#[path = "common/load.rs"]
mod load;
#[path = "common/process.rs"]
mod process;

use std::net::SocketAddr;
use std::time::Duration;

use delivery::{Dist, bundle, free_port};
use load::{Kind, Load};
use process::Process;

/// Successors in one test, unless `WEFT_ROUNDS` says otherwise.
const ROUNDS: u64 = 20;
/// How long each one serves before the next.
const BETWEEN: Duration = Duration::from_millis(250);

#[expect(clippy::disallowed_methods, reason = "a test has no settings")]
fn rounds() -> u64 {
    let asked = std::env::var("WEFT_ROUNDS");
    asked.map_or(ROUNDS, |text| text.parse().unwrap())
}

/// Starts a successor in every round, and looks whether its predecessor ended well.
fn succeed(name: &str, successor: impl Fn(&Dist, u64, &mut Process) -> Process) {
    let dist = Dist::new();
    dist.publish(&bundle(&load::plan(dist.port, load::origin())), 1);
    let socket = dist.folder.path().join("upgrade.sock");
    let first = [
        "--workers",
        "2",
        "--upgrade-socket",
        socket.to_str().unwrap(),
    ];
    let mut current = Process::ready(&dist, &first);
    let load = Load::start(SocketAddr::from(([127, 0, 0, 1], dist.port)));
    let mut leaving = Vec::new();
    for round in 1..=rounds() {
        std::thread::park_timeout(BETWEEN);
        let next = successor(&dist, round, &mut current);
        leaving.push(std::mem::replace(&mut current, next));
        if 3 < leaving.len() {
            ended_well(leaving.remove(0));
        }
    }
    leaving.into_iter().for_each(ended_well);
    let (tally, lost) = load.stop();
    println!("{name}, {} rounds: {}", rounds(), tally.figures());
    assert_eq!(lost, Vec::<String>::new());
    assert_eq!(tally.closed_idle(), 0);
    for (kind, least) in [
        (Kind::Fresh, 10 * ROUNDS),
        (Kind::Kept, 10 * ROUNDS),
        (Kind::Http2, 10 * ROUNDS),
        (Kind::Tunnel, ROUNDS / 4),
        (Kind::Running, ROUNDS / 2),
    ] {
        assert!(least < tally.done(kind), "{}", tally.figures());
    }
}

fn ended_well(mut process: Process) {
    assert_eq!(process.ended().code(), Some(0));
    let log = process.log();
    let last = log.lines().last().unwrap_or_default();
    let nothing = "cut_requests=0 cut_tunnels=0 closed_connections=0 all_workers_ended=true";
    assert!(last.contains(nothing), "{log}");
}

#[test]
fn restarts_on_shared_ports_lose_nothing() {
    succeed("restarts", |dist, _round, old| {
        let next = Process::ready(dist, &["--workers", "2"]);
        old.signal("-TERM");
        next
    });
}

#[test]
fn upgrades_lose_nothing() {
    let admin = SocketAddr::from(([127, 0, 0, 1], free_port())).to_string();
    succeed("upgrades", |dist, round, _old| {
        let socket = dist.folder.path().join("upgrade.sock");
        let workers = ["1", "2", "3"][usize::try_from(round % 3).unwrap()];
        let next = Process::start(
            dist,
            &[
                "--workers",
                workers,
                "--admin",
                &admin,
                "--upgrade",
                "--upgrade-socket",
                socket.to_str().unwrap(),
            ],
        );
        next.until_said("took over");
        next
    });
}
