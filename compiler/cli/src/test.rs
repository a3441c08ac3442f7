//! `weft test`: runs the tests of a spec, on its snapshot or against a running proxy.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use weft_front::Surroundings;
use weft_front::diagnostic::{Colour, Format, render};
use weft_front::model::test::Test;
use weft_front::source::Sources;
use weft_tell::tests;
use weft_tell::tests::{Mutation, TestReport, TestResult};
pub(crate) use weft_tell::why::Snapshot;

use super::calls::place;
use super::progress::Shown;
use super::reach::Reach;
use super::{Context, Verdict, build, load, output, paint, test_formats};

/// How long a live test waits for each step.
const WAIT: Duration = Duration::from_secs(10);
/// The longest head of a response that a live test reads, in bytes.
const HEAD: u64 = 64 * 1024;
/// How many changes that no test notices are shown, unless all are asked for.
const SHOWN: usize = 10;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The spec: a folder or a file.
    #[arg(default_value = ".")]
    spec: PathBuf,
    /// Change one setting at a time, and say which changes no test notices.
    #[arg(long)]
    mutate: bool,
    /// Show all changes that no test notices, not the first ten.
    #[arg(long, requires = "mutate")]
    all: bool,
    /// Send the requests to a proxy that listens here without TLS, and look at what it answers.
    #[arg(long, value_name = "ADDR", conflicts_with = "mutate")]
    live: Option<SocketAddr>,
}

/// Runs every test; one that fails makes the verdict.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let load::Loaded {
        sources,
        values,
        found,
    } = load::spec(&arguments.spec, &context.values)?;
    let shown = Shown::of(context);
    let surroundings = Surroundings {
        snapshots: Some(super::same::snapshots(Reach::new(
            &arguments.spec,
            &context.also_read,
        ))),
        progress: shown.progress(),
        ..Surroundings::default()
    };
    let compile = || weft_tell::compile_in_memory(&sources, &values, &surroundings);
    let (compiled, found) = build::unless_wrong(found, compile);
    let Some((checked, compiled)) = compiled else {
        drop(shown);
        output::findings(context, &found, &sources)?;
        if context.is_junit {
            let found = render(&found, &sources, Format::Human, Colour::Plain);
            output::result(&test_formats::rejected(&found))?;
        }
        return Ok(Verdict::Rejected);
    };
    let snapshot = Snapshot::of_compiled(compiled)?;
    let mut report = tests::run(&checked, &snapshot, &surroundings);
    let mut skipped = Vec::new();
    if let Some(address) = arguments.live {
        let tests = checked.mesh().tests.iter();
        for (test, result) in tests.zip(&mut report.results) {
            match live(address, test, result) {
                Live::Answered(failures) => result.failures = failures,
                Live::Skipped(why) => skipped.push((result.name.clone(), why)),
            }
        }
    }
    let mutation = arguments
        .mutate
        .then(|| tests::mutate(&checked, &sources, &snapshot, &surroundings));
    drop(shown);
    let told = TestOutput {
        report: &report,
        mutation: mutation.as_ref(),
        skipped: &skipped,
        sources: &sources,
    };
    told.print(context, arguments)?;
    let has_failed = report.results.iter().any(|result| !result.has_passed());
    Ok(if has_failed {
        Verdict::Rejected
    } else {
        Verdict::Clean
    })
}

/// What there is to say about the tests of a spec.
struct TestOutput<'run> {
    report: &'run TestReport,
    mutation: Option<&'run Mutation>,
    /// Tests that a proxy cannot be asked, and why.
    skipped: &'run [(String, String)],
    sources: &'run Sources,
}

impl TestOutput<'_> {
    fn print(&self, context: &Context, arguments: &Arguments) -> anyhow::Result<()> {
        let (report, sources) = (self.report, self.sources);
        match context.format {
            Format::Human if context.is_junit => {
                output::result(&test_formats::junit(report, self.skipped, sources))
            }
            Format::Human => {
                let text = self.text(if arguments.all { usize::MAX } else { SHOWN });
                let text = if context.is_short {
                    paint::short_test(&text)
                } else {
                    text
                };
                output::painted(&text, paint::test)
            }
            Format::Json => output::result(&json_of(report, self.mutation, sources)),
            Format::Sarif => output::result(&test_formats::sarif(report, sources)),
            Format::Github => output::result(&test_formats::github(report, sources)),
        }
    }

    /// All of it for people, with so many of the changes that no test notices.
    fn text(&self, shown: usize) -> String {
        let mut text = text_of(self.report, self.sources);
        for (name, why) in self.skipped {
            text.extend(["not sent: ", name, ": ", why, "\n"]);
        }
        let mutants = |mutation: &Mutation| mutants(mutation, shown, self.sources);
        text.extend(self.mutation.map(mutants));
        text
    }
}

fn text_of(report: &TestReport, sources: &Sources) -> String {
    let mut lines = Vec::new();
    for result in &report.results {
        if result.has_passed() {
            lines.push(format!("ok    {}\n", result.name));
            continue;
        }
        let place = place(result.place, sources);
        lines.push(format!("FAIL  {}  ({place})\n", result.name));
        let failures = result.failures.iter();
        lines.extend(failures.map(|failure| format!("      {failure}\n")));
    }
    let passed = report
        .results
        .iter()
        .filter(|result| result.has_passed())
        .count();
    let failed = report.results.len() - passed;
    let proved = report
        .assertions
        .iter()
        .filter(|(_, is_proved)| *is_proved)
        .count();
    let coverage = &report.coverage;
    lines.push(format!(
        "{passed} passed, {failed} failed; {proved} of {} assertions proved\n",
        report.assertions.len()
    ));
    let left_out = report.left_out.iter();
    lines.extend(left_out.map(|text| format!("same: {text}\n")));
    lines.push(format!(
        "seen: {} of {} rules, {} of {} regions, {} of {} settings\n",
        coverage.rules.covered,
        coverage.rules.all,
        coverage.regions.covered,
        coverage.regions.all,
        coverage.settings.covered,
        coverage.settings.all
    ));
    lines.extend(unseen(&report.coverage));
    lines.concat()
}

/// The rules that no test looks at.
fn unseen(coverage: &tests::Coverage) -> Option<String> {
    if coverage.unseen.is_empty() {
        return None;
    }
    let unseen: Vec<&str> = coverage
        .unseen
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect();
    let more = match coverage.unseen.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!("no test looks at: {}{more}\n", unseen.join(", ")))
}

fn mutants(mutation: &Mutation, shown: usize, sources: &Sources) -> String {
    let all = mutation.noticed + mutation.survivors.len();
    let mut lines = vec![format!(
        "changes: {} of {all} are noticed\n",
        mutation.noticed
    )];
    for mutant in mutation.survivors.iter().take(shown) {
        let place = place(mutant.place, sources);
        lines.push(format!("unnoticed: {}  ({place})\n", mutant.change));
        lines.push(format!("      {}\n", mutant.test));
    }
    match mutation.survivors.len().saturating_sub(shown) {
        0 => {}
        more => lines.push(format!("{more} more; `--all` shows them\n")),
    }
    if mutation.has_left_settings {
        let text = "defaults, services, calls and permissions are too many to change them all\n";
        lines.push(text.to_owned());
    }
    let left_out = mutation.left_out.iter();
    lines.extend(
        left_out.map(|host| format!("host `{host}` has too many rules to change them all\n")),
    );
    lines.concat()
}

fn json_of(report: &TestReport, mutation: Option<&Mutation>, sources: &Sources) -> String {
    let tests = report.results.iter().map(|result| {
        json!({
            "name": result.name,
            "place": place(result.place, sources),
            "request": result.request,
            "passed": result.has_passed(),
            "failures": result.failures,
        })
    });
    let assertions = report.assertions.iter();
    let assertions = assertions.map(|(name, is_proved)| json!({"name": name, "proved": is_proved}));
    let coverage = &report.coverage;
    let part = |covered: usize, all: usize| json!({"covered": covered, "all": all});
    let mut text = json!({
        "format": "weft.test/1",
        "tests": tests.collect::<Vec<_>>(),
        "assertions": assertions.collect::<Vec<_>>(),
        "coverage": {
            "rules": part(coverage.rules.covered, coverage.rules.all),
            "regions": part(coverage.regions.covered, coverage.regions.all),
            "settings": part(coverage.settings.covered, coverage.settings.all),
            "unseen": coverage.unseen,
        },
    });
    if let (Some(left_out), Some(object)) = (report.left_out, text.as_object_mut()) {
        object.insert("same".to_owned(), json!(left_out));
    }
    if let (Some(mutation), Some(object)) = (mutation, text.as_object_mut()) {
        let survivors = mutation.survivors.iter().map(|mutant| {
            json!({
                "change": mutant.change,
                "place": place(mutant.place, sources),
                "test": mutant.test,
            })
        });
        let mutants = json!({
            "noticed": mutation.noticed,
            "survivors": survivors.collect::<Vec<_>>(),
            "leftOut": mutation.left_out,
            "leftSettings": mutation.has_left_settings,
        });
        object.insert("mutants".to_owned(), mutants);
    }
    format!("{text}\n")
}

/// What became of a request to a running proxy.
enum Live {
    /// It answered; what is not as expected.
    Answered(Vec<String>),
    /// The test cannot be asked of a proxy; why.
    Skipped(String),
}

fn live(address: SocketAddr, test: &Test, result: &TestResult) -> Live {
    let Some(question) = tests::question(test) else {
        return Live::Skipped("it is about more than one request".to_owned());
    };
    let Some(facets) = result.facets.as_ref() else {
        return Live::Answered(result.failures.clone());
    };
    if question.from.is_some() {
        return Live::Skipped("it comes from a service, by its own sidecar".to_owned());
    }
    if question.is_https == Some(true) {
        return Live::Skipped("it is encrypted".to_owned());
    }
    let mut lines = vec![
        format!("{} {} HTTP/1.1\r\n", question.method, question.target),
        format!("host: {}\r\nconnection: close\r\n", question.authority),
    ];
    let headers = question.headers.iter();
    lines.extend(headers.map(|(name, value)| format!("{name}: {value}\r\n")));
    lines.push("content-length: 0\r\n\r\n".to_owned());
    match ask(address, &lines.concat()) {
        Err(error) => Live::Answered(vec![format!("no answer from {address}: {error}")]),
        Ok((status, reason)) => {
            let mut failures = facets.broken(&test.expect);
            let by_proxy = facets.status;
            if by_proxy.is_some_and(|expected| expected != status) {
                let expected = by_proxy.unwrap_or_default();
                failures.push(format!(
                    "status: the spec says {expected}, the proxy {status}"
                ));
            }
            if let (None, Some(reason)) = (by_proxy, &reason)
                && matches!(status, 400 | 403 | 404 | 421)
            {
                failures.push(format!("the proxy refuses it with {status}, {reason}"));
            }
            Live::Answered(failures)
        }
    }
}

/// Status and reason of the answer to a request.
fn ask(address: SocketAddr, request: &str) -> anyhow::Result<(u16, Option<String>)> {
    use std::io::Read as _;
    let mut stream = TcpStream::connect_timeout(&address, WAIT)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.set_write_timeout(Some(WAIT))?;
    stream.write_all(request.as_bytes())?;
    let mut lines = BufReader::new(stream.take(HEAD)).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let status = first
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let Some(status) = status else {
        anyhow::bail!("`{}` is no status line", weft_space::path::shown(&first));
    };
    let mut reason = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("x-weft-reason")
        {
            reason = Some(value.trim().to_owned());
        }
    }
    Ok((status, reason))
}
