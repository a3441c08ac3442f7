//! Specs in a text for tests, with the expected findings beside the lines that cause them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::model::{Checked, Mesh};
use crate::parse::{self, Values};
use crate::resolve::resolve;
use crate::source::{SourceFile, Sources};

/// What a spec without its own `mesh` gets: a gateway `public/web` and a service `s`.
const PRELUDE: &str = r#"weft: v1
mesh: {name: shop, trustDomain: shop.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {s: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:8081"]}}
"#;

/// Compares the findings of resolution with the marks `#~ error[code]` and `#~ warning[code]` at the ends of lines.
pub fn check(text: &str) {
    compare(text, |sources| resolved(sources).1.sorted());
}

/// Compares the findings of some passes with the marks at the ends of lines; remarks, and texts that want quotes, count where a mark asks for their code.
pub fn compare(text: &str, find: impl FnOnce(&Sources) -> Vec<Diagnostic>) {
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
    for finding in find(&sources) {
        // Tests call services `y` and `n`, which other YAML tools take for booleans.
        let is_optional =
            finding.severity == Severity::Info || finding.code.name == "unquoted-word";
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        let mark = format!("{severity}[{}]", finding.code.name);
        if is_optional && !text.contains(&mark) {
            continue;
        }
        let span = finding.primary.span;
        let file = sources.file(span.file).expect("findings have a place");
        let before = file.text.get(..usize::try_from(span.start).unwrap());
        let line = 1 + before.unwrap_or_default().matches('\n').count();
        messages.push(format!("{}:{line}: {mark}: {}", file.path, finding.message));
        *found.entry((file.path.clone(), line, mark)).or_insert(0) += 1;
    }
    assert_eq!(found, expected, "\n{}", messages.join("\n"));
}

/// The mesh of a spec unless it cannot be made, and what was found on the way.
pub fn resolved(sources: &Sources) -> (Option<Mesh>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let files = parse::parse(sources, &Values::default(), &mut diagnostics);
    let mesh = resolve(&files, sources, &mut diagnostics);
    (mesh, diagnostics)
}

/// The mesh of a spec that no rule has looked at.
pub fn unchecked(text: &str) -> (Checked, Sources) {
    let sources = sources(text);
    let mesh = resolved(&sources).0;
    let mesh = mesh.expect("a spec that can be resolved");
    let checked = Checked::by(mesh, Vec::new(), &Diagnostics::default());
    (checked.expect("nothing was found"), sources)
}

/// The files of a text, separated by lines `# file: path`.
pub fn sources(text: &str) -> Sources {
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

/// A text whose lines begin where the leftmost of them does.
pub fn unindented(text: &str) -> String {
    let indent = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let lines = text.lines().map(|line| line.get(indent..).unwrap_or(""));
    lines.collect::<Vec<_>>().join("\n")
}
