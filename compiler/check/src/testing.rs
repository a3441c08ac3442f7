//! Tests of rules: a spec with its expected findings beside the lines that cause them.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use weft_front::diagnostic::{Diagnostic, Severity};
use weft_front::model::Checked;
use weft_front::source::Sources;
use weft_front::testing::{self, sources};
use weft_front::{CertificateFacts, ReadCertificates, Surroundings};
use weft_spec::units::Date;

use crate::rules;

/// Compares the findings with the marks `#~ error[code]` and `#~ warning[code]` at the ends of lines.
pub fn check(text: &str) {
    testing::compare(text, |sources| run(sources, &surroundings(text)).1);
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
pub fn surroundings(text: &str) -> Surroundings {
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
pub fn findings(text: &str) -> Vec<Diagnostic> {
    run(&sources(text), &surroundings(text)).1
}

/// The checked mesh of a spec without errors.
pub fn checked(text: &str) -> (Checked, Sources) {
    let sources = sources(text);
    let (checked, found) = run(&sources, &surroundings(text));
    let errors = found.iter().filter(|one| one.severity == Severity::Error);
    let messages: Vec<&str> = errors.map(|one| one.message.as_str()).collect();
    let Some(checked) = checked else {
        panic!("{messages:?}");
    };
    (checked, sources)
}

fn run(sources: &Sources, surroundings: &Surroundings) -> (Option<Checked>, Vec<Diagnostic>) {
    let (mesh, mut diagnostics) = testing::resolved(sources);
    let checked = mesh.and_then(|mesh| rules::check(mesh, surroundings, &mut diagnostics));
    let mut found = diagnostics.sorted();
    found.retain(|finding| finding.suppressed.is_none());
    (checked, found)
}
