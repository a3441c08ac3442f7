//! Tests of rules: a spec with its expected findings beside the lines that cause them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use weft_snapshot::plan::NodePlan;
use weft_spec::units::Date;

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::model::Mesh;
use crate::source::{SourceFile, Sources};
use crate::{CertificateFacts, ReadCertificates, ReadSnapshots, Surroundings};

/// What a spec without its own `mesh` gets: a gateway `public/web` and a service `s`.
const PRELUDE: &str = r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
"#;

/// Compares the findings with the marks `#~ error[code]` and `#~ warning[code]` at the ends of lines.
pub(crate) fn check(text: &str) {
    compare(text, &surroundings(text));
}

/// As [`check`], of a spec that compares itself with snapshots.
pub(crate) fn check_beside(
    text: &str,
    snapshots: impl Fn(&str) -> Result<Vec<NodePlan>, String> + 'static,
) {
    let surroundings = Surroundings {
        snapshots: Some(ReadSnapshots(Box::new(snapshots))),
        ..surroundings(text)
    };
    compare(text, &surroundings);
}

fn compare(text: &str, surroundings: &Surroundings) {
    let sources = sources(text);
    let mut expected = BTreeMap::new();
    for (_, file) in sources.iter() {
        for (number, line) in (1..).zip(file.text.lines()) {
            let marks = line.split_once("#~").map_or("", |(_, marks)| marks);
            for mark in marks
                .split(',')
                .map(str::trim)
                .filter(|mark| !mark.is_empty())
            {
                *expected
                    .entry((file.path.clone(), number, mark.to_owned()))
                    .or_insert(0) += 1;
            }
        }
    }
    let mut found = BTreeMap::new();
    let mut messages = Vec::new();
    for finding in run(&sources, surroundings).1 {
        let is_asked_for = text.contains(&format!("info[{}]", finding.code.name));
        if finding.severity == Severity::Info && !is_asked_for {
            continue;
        }
        let span = finding.primary.span;
        let file = sources.file(span.file).expect("findings have a place");
        let before = file.text.get(..usize::try_from(span.start).unwrap());
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        let mark = format!("{severity}[{}]", finding.code.name);
        let line = 1 + before.unwrap_or_default().matches('\n').count();
        messages.push(format!("{}:{line}: {mark}: {}", file.path, finding.message));
        *found.entry((file.path.clone(), line, mark)).or_insert(0) += 1;
    }
    assert_eq!(found, expected, "\n{}", messages.join("\n"));
}

thread_local! {
    /// The certificates of the text that this thread checks, with their last days.
    static CERTIFICATES: RefCell<BTreeMap<String, Date>> = RefCell::default();
}

fn certificate(chain: &str, key: &str) -> Option<CertificateFacts> {
    let not_after = CERTIFICATES.with_borrow(|known| known.get(chain).copied())?;
    Some(CertificateFacts {
        names: Vec::new(),
        not_after: not_after.end_unix_seconds() - 1,
        is_authority: false,
        serves: true,
        weakness: chain
            .contains("weak")
            .then(|| "has an RSA key of 1024 bits".to_owned()),
        has_other_key: Some(key.contains("other")),
    })
}

/// What a text says about the world: a line `# now: 2026-11-26` is the day of the check, `# certificate: /c.pem ends
/// 2026-12-27` a file that can be read.
pub(crate) fn surroundings(text: &str) -> Surroundings {
    let now = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("# now: "));
    let certificates = text.lines().filter_map(|line| {
        let line = line.trim().strip_prefix("# certificate: ")?;
        let (path, day) = line.split_once(" ends ").expect("a path and a day");
        Some((path.to_owned(), day.trim().parse().expect("a day")))
    });
    CERTIFICATES.replace(certificates.collect());
    Surroundings {
        today: now.map(|day| day.trim().parse().expect("a day")),
        certificates: Some(ReadCertificates(Rc::new(certificate))),
        ..Surroundings::default()
    }
}

/// All findings of a spec.
pub(crate) fn findings(text: &str) -> Vec<Diagnostic> {
    run(&sources(text), &surroundings(text)).1
}

/// The checked mesh of a spec without errors.
pub(crate) fn checked(text: &str) -> (super::Checked, Sources) {
    let sources = sources(text);
    let surroundings = surroundings(text);
    let (mesh, found) = run(&sources, &surroundings);
    let messages: Vec<&str> = found
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| finding.message.as_str())
        .collect();
    let Some(mesh) = mesh else {
        panic!("{messages:?}");
    };
    let checked = super::check(mesh, &surroundings, &mut Diagnostics::default());
    (checked.unwrap_or_else(|| panic!("{messages:?}")), sources)
}

/// The mesh of a spec that no rule has looked at.
pub(crate) fn unchecked(text: &str) -> (super::Checked, Sources) {
    let sources = sources(text);
    let mut diagnostics = Diagnostics::default();
    let files = crate::parse::parse(&sources, &crate::parse::Values::default(), &mut diagnostics);
    let mesh = crate::resolve::resolve(&files, &sources, &mut diagnostics);
    let mesh = mesh.expect("a spec that can be resolved");
    (super::Checked { mesh }, sources)
}

fn run(sources: &Sources, surroundings: &Surroundings) -> (Option<Mesh>, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::default();
    let files = crate::parse::parse(sources, &crate::parse::Values::default(), &mut diagnostics);
    let mesh = crate::resolve::resolve(&files, sources, &mut diagnostics);
    if let Some(mesh) = &mesh {
        let checked = super::check(mesh.clone(), surroundings, &mut diagnostics);
        if let Some(checked) = &checked {
            super::check_frozen(checked, sources, surroundings, &mut diagnostics);
        }
    }
    let mut found = diagnostics.sorted();
    found.retain(|finding| finding.suppressed.is_none());
    (mesh, found)
}

/// The files of a text, separated by lines `# file: path`.
pub(crate) fn sources(text: &str) -> Sources {
    let text = unindented(text);
    let mut files: Vec<SourceFile> = Vec::new();
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("# file: ") {
            let (path, text) = (path.trim().to_owned(), String::new());
            files.push(SourceFile { path, text });
            continue;
        }
        if files.is_empty() {
            let (path, text) = ("spec.yaml".to_owned(), String::new());
            files.push(SourceFile { path, text });
        }
        let file = files.last_mut().unwrap();
        file.text += line;
        file.text.push('\n');
    }
    files.retain(|file| !file.text.trim().is_empty());
    for file in &mut files {
        if !file.text.lines().any(|line| line.starts_with("weft:")) {
            file.text.insert_str(0, "weft: v1\n");
        }
    }
    let is_whole = text
        .lines()
        .any(|line| line.starts_with("mesh:") || line.contains("no mesh"))
        || text.starts_with("weft: v1");
    if !is_whole {
        let (path, text) = ("prelude.yaml".to_owned(), PRELUDE.to_owned());
        files.push(SourceFile { path, text });
    }
    Sources::new(files)
}

fn unindented(text: &str) -> String {
    let indent = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let lines = text.lines().map(|line| line.get(indent..).unwrap_or(""));
    lines.collect::<Vec<_>>().join("\n")
}
