//! Every example of every code goes through the compiler.

use weft_front::Surroundings;
use weft_front::diagnostic::Diagnostics;
use weft_front::parse::Values;
use weft_front::source::{LeftOut, SourceFile, Sources};

use super::*;

/// The files of an example; lines `# file: path` separate them; `# link: path` is a link, `# unreadable: path` what cannot
/// be read, `# odd: path` a file with another ending, and `# values: path` begins a file of values.
fn files(example: &str) -> Sources {
    let mut files: Vec<SourceFile> = Vec::new();
    let (mut links, mut values) = (Vec::new(), Vec::new());
    for line in example.lines() {
        if let Some(path) = line.strip_prefix("# link: ") {
            links.push(LeftOut::Link(path.trim().to_owned()));
            continue;
        }
        if let Some(path) = line.strip_prefix("# odd: ") {
            links.extend(LeftOut::of_odd_ending(path.trim()));
            continue;
        }
        if let Some(path) = line.strip_prefix("# unreadable: ") {
            let why = "no such file".to_owned();
            links.push(LeftOut::Unreadable(path.trim().to_owned(), why));
            continue;
        }
        if let Some(path) = line.strip_prefix("# file: ") {
            files.push(file(path.trim()));
            continue;
        }
        if let Some(path) = line.strip_prefix("# values: ") {
            values.push(file(path.trim()));
            continue;
        }
        if files.is_empty() {
            files.push(file("spec.yaml"));
        }
        let last = values.last_mut().or(files.last_mut()).unwrap();
        last.text.push_str(line);
        last.text.push('\n');
    }
    Sources::new(files).with_values(values).leaving_out(links)
}

fn file(path: &str) -> SourceFile {
    SourceFile {
        path: path.to_owned(),
        text: String::new(),
    }
}

/// What an example says about the world.
fn surroundings(example: &str) -> Surroundings {
    weft_check::testing::surroundings(example)
}

/// The codes that an example is found guilty of; remarks count for their own code alone.
fn found(example: &str, own: &Code) -> Vec<&'static str> {
    let sources = files(example);
    let values = Values::read(&sources, &mut Diagnostics::default());
    let (_, mut found) = crate::check_spec(&sources, &values, &surroundings(example));
    found.retain(|one| one.suppressed.is_none());
    found.retain(|one| one.severity != Severity::Info || one.code.name == own.name);
    let mut codes: Vec<&str> = found.iter().map(|found| found.code.name).collect();
    codes.dedup();
    codes
}

#[test]
fn every_bad_example_has_exactly_its_finding() {
    let wrong: Vec<String> = all()
        .iter()
        .filter(|code| found(code.bad, code) != [code.name])
        .map(|code| format!("{}: found {:?}", code.name, found(code.bad, code)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_good_example_has_any_finding() {
    let wrong: Vec<String> = all()
        .iter()
        .filter(|code| !found(code.good, code).is_empty())
        .map(|code| format!("{}: found {:?}", code.name, found(code.good, code)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn names_are_kebab_case_and_unique() {
    let names: Vec<&str> = all().iter().map(|code| code.name).collect();
    assert!(names.iter().all(|name| {
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    }));
    let mut unique = names.clone();
    unique.dedup();
    assert_eq!(names, unique);
}

#[test]
fn an_unknown_code_comes_with_the_nearest_one() {
    assert_eq!(did_you_mean("unknown-feild"), Some("unknown-field"));
    assert_eq!(did_you_mean("no-rout"), Some("no-route"));
    assert_eq!(did_you_mean("move-traffic"), Some("moves-traffic"));
}

#[test]
fn an_explanation_holds_both_examples() {
    let found = find("duplicate-key");
    let [subject] = found.as_slice() else {
        panic!("{found:?}");
    };
    let text = explain(*subject);
    assert!(text.starts_with("error[duplicate-key]\n"));
    assert!(text.contains("Wrong:\n\n    weft: v1\n"));
    assert!(text.contains("Right:\n\n    weft: v1\n"));
}

fn told(name: &str) -> Vec<String> {
    find(name).into_iter().map(explain).collect()
}

#[test]
fn a_reason_is_explained_with_status_sender_and_what_to_look_at() {
    let wanted = "\
reason[no-route]

The request cannot be served: no route of the host takes the request.

Answer:

    404, to a gRPC call 12 UNIMPLEMENTED; the connection stays open

Sent by:

    the proxy that chooses the route: a gateway, or the sidecar of the caller

Tried again:

    no policy of retries asks for another try

Look at:

    `weft why` says how near the nearest comes
";
    assert_eq!(told("no-route"), [wanted]);
    let refused = told("refused-stream").concat();
    assert!(
        refused.contains("`retry.on: [refused-stream]`"),
        "{refused}"
    );
}

#[test]
fn a_class_is_explained_by_its_letter_and_by_its_name() {
    let [text] = told("S1").try_into().unwrap();
    assert!(text.starts_with("class[S1 opens-access]\n\nSomebody may do what was denied.\n"));
    for risk in Risk::ALL {
        let by_letter = told(&format!("{risk:?}"));
        assert_eq!(told(risk.name()), by_letter);
        assert_eq!(by_letter.len(), 1, "{risk:?}");
    }
}

#[test]
fn a_name_of_two_things_is_explained_as_both() {
    let [finding, reason] = told("bad-rewrite").try_into().unwrap();
    assert!(finding.starts_with("error[bad-rewrite]"));
    assert!(reason.starts_with("reason[bad-rewrite]"));
}

#[test]
fn the_list_has_every_finding_reason_and_class() {
    let list = list();
    let names = all().into_iter().map(|code| code.name);
    let names = names.chain(Reason::ALL.iter().map(|one| one.name()));
    for name in names.chain(Risk::ALL.into_iter().map(Risk::name)) {
        assert!(list.contains(&format!("\n  {name} ")), "{name}");
    }
}

#[test]
fn an_explanation_says_who_may_accept_a_finding() {
    let says = |code: &str, words: &str| {
        let text = told(code).concat();
        assert!(text.contains(words), "{text}");
    };
    says(
        "method-loss",
        "every definition belongs that it points at. Where it is an error, nobody can.",
    );
    says(
        "partial-shadow",
        "`suppressions`: the platform, or the team to which the definition belongs that it is reported at.",
    );
    says(
        "host-hides-wildcard",
        "the team to which the other definitions belong that it points at",
    );
    says("plaintext-exposure", "`suppressions`: the platform alone.");
    says(
        "dead-route",
        "Nobody can accept it where it is an error; where it is less, the platform, or",
    );
    says("stale-suppression", "\n\nNobody can accept it.\n\n");
    says("unknown-field", "\n\nNobody can accept it.\n\n");
}
