//! Times the exact analyses on large specs: `cargo run --profile dist -p weft-bench --bin analysis`.
//!
//! Every line is one measurement of this process alone; specs are made in memory and parsed before the clock
//! starts. The memory is the growth of the peak of this process over its size after parsing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use weft_back::lower::lower;
use weft_check::rules;
use weft_front::Surroundings;
use weft_front::diagnostic::Diagnostics;
use weft_front::model::Mesh;
use weft_front::parse::{Values, parse};
use weft_front::resolve::resolve;
use weft_front::source::{SourceFile, Sources};
use weft_space::automata::Automata;

const RUNS: usize = 5;
/// How often a command is measured.
const COMMANDS: usize = 21;
const HEAD: &str = "weft: v1
mesh: {name: bench, trustDomain: bench.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {origin: {protocol: http, mtls: disabled, endpoints: [\"127.0.0.1:21000\"]}}
";

fn main() -> anyhow::Result<()> {
    let weft = weft()?;
    checks("100,000 routes on 1,000 hosts", &spread(1_000, 100, 0, 0));
    checks("the same with 5 % regexes", &spread(1_000, 100, 5, 0));
    checks(
        "the same with 5 % regexes, no two alike",
        &distinct(1_000, 100, 5),
    );
    checks("100,000 routes on one host", &spread(1, 100_000, 0, 0));
    let layers = |is_guarded: bool| Layers {
        depth: 10,
        width: 1_000,
        fan: 11,
        is_guarded,
    };
    checks("10,000 services with 100,000 calls", &calls(&layers(false)));
    checks("the same with permissions", &calls(&layers(true)));
    difference(&spread(1_000, 100, 0, 0), &spread(1_000, 100, 0, 10))?;
    question(&weft, &spread(1_000, 100, 0, 0))?;
    example(&weft)
}

/// The command that stands beside this one, built in the same profile.
fn weft() -> anyhow::Result<PathBuf> {
    let weft = std::env::current_exe()?.with_file_name("weft");
    anyhow::ensure!(
        weft.is_file(),
        "`cargo build --profile dist --bin weft` first: the command is measured too"
    );
    Ok(weft)
}

/// Runs the command once.
fn run(weft: &Path, arguments: &[&OsStr]) -> anyhow::Result<()> {
    let output = Command::new(weft).args(arguments).output()?;
    anyhow::ensure!(output.status.success(), "{output:?}");
    Ok(())
}

/// How long the command takes from its start to its exit, in words.
fn start_to_exit(weft: &Path, arguments: &[&OsStr]) -> anyhow::Result<String> {
    let mut times = Vec::new();
    for _ in 0..COMMANDS {
        let started = Instant::now();
        run(weft, arguments)?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let at = |position: usize| {
        let time = times.get(position);
        time.map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    Ok(format!(
        "{:.1} ms (median of {COMMANDS}; {:.1} to {:.1})",
        at(COMMANDS / 2),
        at(0),
        at(COMMANDS - 1)
    ))
}

/// `weft why` on the snapshot of a spec.
fn question(weft: &Path, sources: &Sources) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let spec = folder.path().join("spec");
    std::fs::create_dir_all(spec.join("hosts"))?;
    for (_, file) in sources.iter() {
        std::fs::write(spec.join(&file.path), &file.text)?;
    }
    let dist = folder.path().join("dist");
    let built = [
        "build".as_ref(),
        spec.as_ref(),
        "-o".as_ref(),
        dist.as_ref(),
    ];
    run(weft, &built)?;
    let request = "GET http://h500.bench.example/svc48/x";
    let asked = [
        "why".as_ref(),
        request.as_ref(),
        "--snapshot".as_ref(),
        dist.as_ref(),
    ];
    let time = start_to_exit(weft, &asked)?;
    say(&format!(
        "`weft why` on that snapshot, start to exit: {time}"
    ));
    Ok(())
}

/// `weft check` on the first example.
fn example(weft: &Path) -> anyhow::Result<()> {
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/01-shop");
    let values = shop.join("values.yaml");
    let checked = [
        "check".as_ref(),
        shop.as_ref(),
        "--values".as_ref(),
        values.as_ref(),
    ];
    let time = start_to_exit(weft, &checked)?;
    say(&format!(
        "`weft check` on examples/01-shop, start to exit: {time}"
    ));
    Ok(())
}

/// Specs of `hosts` hosts with `routes` rules each, some of them expressions; in the first `edited` hosts one
/// rule answers instead of forwarding.
fn spread(hosts: usize, routes: usize, percent_of_regexes: usize, edited: usize) -> Sources {
    let mut files = vec![SourceFile {
        path: "mesh.yaml".to_owned(),
        text: HEAD.to_owned(),
    }];
    for host in 0..hosts {
        let mut text = format!(
            "weft: v1\nroutes:\n  h{host}:\n    on: public/web\n    host: h{host}.bench.example\n    rules:\n"
        );
        let rules = (0..routes).map(|route| rule(route, percent_of_regexes, host < edited));
        text.extend(rules);
        files.push(SourceFile {
            path: format!("hosts/h{host}.yaml"),
            text,
        });
    }
    Sources::new(files)
}

/// A mesh of layers of services that call some of the next layer.
struct Layers {
    depth: usize,
    width: usize,
    fan: usize,
    /// Whether services say who may call them.
    is_guarded: bool,
}

impl Layers {
    /// The services that one calls.
    fn called(&self, service: usize) -> Vec<usize> {
        let (layer, place) = (service / self.width, service % self.width);
        let is_last = layer + 1 == self.depth;
        let fan = if is_last { 0 } else { self.fan };
        let next = (layer + 1) * self.width;
        let called = (0..fan).map(|nth| next + (place * 7 + nth * 13) % self.width);
        called.collect()
    }

    /// Every fifth call of every fourth layer is repeated.
    fn calls(&self, service: usize) -> String {
        let layer = service / self.width;
        let limit = 2 * (self.depth - layer);
        let called = self.called(service);
        let calls = called.iter().enumerate().map(|(nth, called)| {
            let retry = match nth % 5 {
                0 if layer.is_multiple_of(4) => {
                    format!(", retry: {{attempts: 2, on: [{}]}}", 500 + layer % 4)
                }
                _ => String::new(),
            };
            format!(
                "s{called}: {{operations: [\"GET /x/{{id}}\"], timeout: {{request: {limit}s}}{retry}}}"
            )
        });
        calls.collect::<Vec<_>>().join(", ")
    }

    /// Who may call each service, as entries of `allow`.
    fn callers(&self) -> Vec<Vec<String>> {
        let count = self.depth * self.width;
        let mut callers = vec![Vec::new(); count];
        for service in (0..count).filter(|_| self.is_guarded) {
            for called in self.called(service) {
                if let Some(callers) = callers.get_mut(called) {
                    callers.push(format!(
                        "{{from: [service/s{service}], methods: [GET], path: \"/x/{{id}}\"}}"
                    ));
                }
            }
        }
        for first in callers
            .iter_mut()
            .take(self.width)
            .filter(|_| self.is_guarded)
        {
            first.push("{from: [gateway/public]}".to_owned());
        }
        callers
    }
}

/// A gateway has a rule for each service of the first layer, which makes 100,000 edges of ten layers of 1,000 with 11 calls.
fn calls(mesh: &Layers) -> Sources {
    let head = HEAD.lines().filter(|line| !line.starts_with("services:"));
    let mut head = head.collect::<Vec<_>>().join("\n");
    if !mesh.is_guarded {
        head = head.replace("bench.example,", "bench.example, mtls: disabled,");
    }
    let limit = 2 * mesh.depth + 2;
    head += "\nroutes:\n  all:\n    on: public/web\n    host: bench.example\n    rules:\n";
    head.extend((0..mesh.width).map(|to| {
        format!("      - {{path: /s{to}/**, to: s{to}, timeout: {{request: {limit}s}}}}\n")
    }));
    let mut files = vec![SourceFile {
        path: "mesh.yaml".to_owned(),
        text: head,
    }];
    for (service, callers) in mesh.callers().iter().enumerate() {
        if service.is_multiple_of(mesh.width) {
            files.push(SourceFile {
                path: format!("layer{}.yaml", service / mesh.width),
                text: "weft: v1\nservices:\n".to_owned(),
            });
        }
        let (calls, allow) = (mesh.calls(service), callers.join(", "));
        let lines = [
            format!("  s{service}: {{protocol: http, app: \"127.0.0.1:1\", endpoints: "),
            format!("[\"127.0.0.1:21000\"], calls: {{{calls}}}, allow: [{allow}]}}\n"),
        ];
        if let Some(file) = files.last_mut() {
            file.text.extend(lines);
        }
    }
    Sources::new(files)
}

/// The same, but no two hosts share an expression.
fn distinct(hosts: usize, routes: usize, percent_of_regexes: usize) -> Sources {
    let shared = spread(hosts, routes, percent_of_regexes, 0);
    let files = shared
        .iter()
        .zip(0_usize..)
        .map(|((_, file), at)| SourceFile {
            path: file.path.clone(),
            text: file.text.replace("[0-9a-f]+", &format!("[0-9a-f]+-{at}")),
        });
    Sources::new(files.collect())
}

fn rule(route: usize, percent_of_regexes: usize, is_edited: bool) -> String {
    let timeout = 1 + route % 9;
    if is_edited && route == 50 {
        return format!("      - {{path: /svc{route}/**, respond: {{status: 404}}}}\n");
    }
    let kind = match route % 4 {
        _ if route % 100 < percent_of_regexes => {
            format!("path: {{regex: \"/svc{route}/[0-9a-f]+(/v[0-9])?\"}}")
        }
        0 => format!("path: /svc{route}/**"),
        1 => format!("path: \"/svc{route}/{{id}}\", methods: [GET, POST]"),
        2 => format!("path: /svc{}/**, headers: {{x-canary: \"1\"}}", route - 2),
        _ => format!("path: /svc{route}/list"),
    };
    format!("      - {{{kind}, to: origin, timeout: {{request: {timeout}s}}}}\n")
}

fn mesh(sources: &Sources) -> anyhow::Result<Mesh> {
    let mut diagnostics = Diagnostics::default();
    let files = parse(sources, &Values::default(), &mut diagnostics);
    resolve(&files, sources, &mut diagnostics)
        .filter(|_| !diagnostics.has_errors())
        .ok_or_else(|| anyhow::anyhow!("the spec of the benchmark is wrong"))
}

fn checks(what: &str, sources: &Sources) {
    let Ok(mesh) = mesh(sources) else {
        say(&format!("{what}: the spec is wrong"));
        return;
    };
    let before = kibibytes("VmRSS:");
    let mut times = Vec::new();
    let mut findings = 0;
    for _ in 0..RUNS {
        // Nothing is remembered of the run before.
        let mut mesh = mesh.clone();
        mesh.automata = Automata::default();
        let mut diagnostics = Diagnostics::default();
        let started = Instant::now();
        let checked = rules::check(mesh, &Surroundings::default(), &mut diagnostics);
        times.push(started.elapsed());
        let errors = diagnostics.has_errors();
        findings = diagnostics.sorted().len();
        if errors || checked.is_none() {
            say(&format!("{what}: the spec has errors"));
        }
    }
    times.sort_unstable();
    let after = kibibytes("VmHWM:");
    say(&format!(
        "{what}: all rules in {:.0} ms (median of {RUNS}; {findings} findings), {} MiB over parsing",
        times
            .get(RUNS / 2)
            .map_or(0.0, |time| time.as_secs_f64() * 1e3),
        after.saturating_sub(before) / 1024,
    ));
}

fn difference(old: &Sources, new: &Sources) -> anyhow::Result<()> {
    let plans = |sources: &Sources| {
        let checked = rules::check(
            mesh(sources)?,
            &Surroundings::default(),
            &mut Diagnostics::default(),
        );
        let checked = checked.ok_or_else(|| anyhow::anyhow!("the spec has errors"))?;
        anyhow::Ok(lower(&checked, sources).plans)
    };
    let (old, new) = (plans(old)?, plans(new)?);
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..RUNS {
        let started = Instant::now();
        let changes = weft_tell::diff::compare(&old, &new);
        times.push(started.elapsed());
        found = changes.changes.len();
    }
    times.sort_unstable();
    say(&format!(
        "diff, 10 of 1,000 hosts changed, both loaded: {:.1} ms (median of {RUNS}; {found} changes)",
        times
            .get(RUNS / 2)
            .map_or(0.0, |time| time.as_secs_f64() * 1e3),
    ));
    Ok(())
}

fn kibibytes(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
    number.unwrap_or_default()
}

fn say(line: &str) {
    use std::io::Write as _;
    // Nothing is left to do when even this cannot be printed.
    let _ = writeln!(std::io::stdout(), "{line}");
}
