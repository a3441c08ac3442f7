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
use weft_front::{
    CertificateFacts, CertificateFiles, Content, IssuerFacts, ReadCertificates, Surroundings,
    WrongFile,
};
use weft_spec::units::Date;

use crate::rules;

/// Compares the findings with the marks `#~ error[code]` and `#~ warning[code]` at the ends of lines.
pub fn check(text: &str) {
    testing::compare(text, |sources| run(sources, &surroundings(text)).1);
}

/// The same for the rules of a route that has all hosts of `public/web`.
pub fn check_rules(rules: &str) {
    let rules = testing::unindented(rules).replace('\n', "\n      ");
    check(&format!(
        "routes:\n  r:\n    on: public/web\n    host: \"*\"\n    rules:\n{rules}\n"
    ));
}

thread_local! {
    /// The certificates of the text that this thread checks, with what it says of them.
    static CERTIFICATES: RefCell<BTreeMap<String, String>> = RefCell::default();
}

fn certificate(chain: &str, key: &str) -> Option<CertificateFacts> {
    let said = CERTIFICATES.with_borrow(|known| known.get(chain).cloned())?;
    let words: Vec<&str> = said.split_whitespace().collect();
    let of = |key: &'static str| {
        let mut pairs = words.chunks(2);
        let found = pairs.find_map(|pair| pair.strip_prefix(&[key]));
        found.and_then(<[&str]>::first).copied()
    };
    let day = |key: &'static str| {
        of(key).map(|day| day.parse::<Date>().expect("a day").end_unix_seconds())
    };
    let list = |key: &'static str| {
        of(key)
            .unwrap_or_default()
            .split(',')
            .filter(|one| !one.is_empty())
    };
    let issuer = IssuerFacts {
        name: "CN=authority".to_owned(),
        not_after: day("issuer-ends").unwrap_or(i64::MAX / 2),
        is_authority: true,
        serves: true,
        forbids: of("issuer-forbids").map(str::to_owned),
        ..IssuerFacts::default()
    };
    Some(CertificateFacts {
        names: list("names").map(str::to_owned).collect(),
        addresses: list("addresses")
            .map(|one| one.parse().expect("an address"))
            .collect(),
        not_before: day("begins").map_or(0, |end| end - 86_400),
        not_after: day("ends")? - 1,
        serves: true,
        weakness: chain
            .contains("weak")
            .then(|| "has an RSA key of 1024 bits".to_owned()),
        has_other_key: Some(key.contains("other")),
        issuers: vec![issuer],
        ..CertificateFacts::default()
    })
}

/// The two files of a certificate, as far as the text says anything of them.
fn files(chain: &str, key: &str) -> CertificateFiles {
    let wrong = |path: &str| {
        let said = CERTIFICATES.with_borrow(|known| known.get(path).cloned())?;
        match said.as_str() {
            "is absent" => Some(WrongFile::Absent {
                is_beside_spec: false,
            }),
            "holds key" => Some(WrongFile::Holds(Content::Key)),
            "holds certificate" => Some(WrongFile::Holds(Content::Certificate)),
            "holds encrypted" => Some(WrongFile::Holds(Content::EncryptedKey)),
            _ => None,
        }
    };
    CertificateFiles {
        facts: certificate(chain, key),
        chain: wrong(chain),
        key: wrong(key),
    }
}

/// What a text says about the world: a line `# now: 2026-11-26` is the day of the check, `# certificate: /c.pem ends
/// 2026-12-27` a file that can be read; more pairs may follow: `begins DAY`, `names a.example,*.b.example`, `addresses
/// 10.0.0.1`, and of its authority `issuer-ends DAY` and `issuer-forbids a.example`. Instead of all that, a file `holds key`, `holds
/// certificate` or `holds encrypted`, or `is absent`.
pub fn surroundings(text: &str) -> Surroundings {
    let now = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("# now: "));
    let certificates = text.lines().filter_map(|line| {
        let line = line.trim().strip_prefix("# certificate: ")?;
        let (path, said) = line.split_once(' ').expect("a path and a day");
        Some((path.to_owned(), said.to_owned()))
    });
    CERTIFICATES.replace(certificates.collect());
    Surroundings {
        today: now.map(|day| day.trim().parse().expect("a day")),
        certificates: Some(ReadCertificates(Rc::new(files))),
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
