//! One finding in each of the formats.

use weft_spec::{FileId, Span};

use super::*;
use crate::diagnostic::Code;
use crate::source::SourceFile;

static CODE: Code = Code {
    name: "shadowed-route",
    severity: Severity::Warning,
    finds: "A route that can never match.",
    why: "It does nothing.",
    bad: "",
    good: "",
};

const TEXT: &str = "weft: v1\nroutes:\n  cärt: {}\n  second: {}\n";

fn sources() -> Sources {
    let file = |path: &str| SourceFile {
        path: path.to_owned(),
        text: TEXT.to_owned(),
    };
    Sources::new(vec![file("a b.yaml"), file("b.yaml")]).shown_below("spec/")
}

fn span(file: u32, text: &str) -> Span {
    let start = TEXT.find(text).unwrap();
    let narrow = |at: usize| u32::try_from(at).unwrap();
    Span::new(FileId(file), narrow(start), narrow(start + text.len()))
}

fn finding() -> Diagnostic {
    Diagnostic::new(
        &CODE,
        span(0, "second"),
        "route `second`, 100% of it, can never match",
    )
    .label(span(0, "cärt"), "`cärt` always matches first")
    .label(span(1, "routes"), "and here")
    .note("a fact")
    .help("rename it")
    .edit(span(0, "second"), "third")
}

fn shown(format: Format) -> String {
    render(&[finding()], &sources(), format, Colour::Plain)
}

#[test]
fn people_see_the_lines_with_all_labels() {
    let text = shown(Format::Human);
    let expected = "\
warning[shadowed-route]: route `second`, 100% of it, can never match
 --> spec/a b.yaml:4:3
  |
3 |   cärt: {}
  |   ---- `cärt` always matches first
4 |   second: {}
  |   ^^^^^^
  |
 ::: spec/b.yaml:2:1
  |
2 | routes:
  | ------ and here
  |
  = note: a fact
help: rename it
  |
4 -   second: {}
4 +   third: {}
  |

warning: 1 warning
";
    assert_eq!(text, expected, "{text}");
}

#[test]
fn colour_is_only_there_when_asked_for() {
    let styled = render(&[finding()], &sources(), Format::Human, Colour::Styled);
    assert!(styled.contains('\u{1b}'));
    assert!(!shown(Format::Human).contains('\u{1b}'));
}

#[test]
fn machines_get_one_object_a_line() {
    let text = shown(Format::Json);
    assert_eq!(text.lines().count(), 1);
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["code"], "shadowed-route");
    assert_eq!(object["severity"], "warning");
    assert_eq!(object["file"], "spec/a b.yaml");
    assert_eq!(
        (&object["line"], &object["column"], &object["endColumn"]),
        (&4.into(), &3.into(), &9.into())
    );
    assert_eq!(object["labels"][0]["endColumn"], 7);
    assert_eq!(object["edits"][0]["replacement"], "third");
}

#[test]
fn sarif_has_rules_results_and_fixes() {
    let log: serde_json::Value = serde_json::from_str(&shown(Format::Sarif)).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "shadowed-route");
    let result = &run["results"][0];
    assert_eq!(
        (&result["ruleId"], &result["ruleIndex"]),
        (&"shadowed-route".into(), &0.into())
    );
    assert_eq!(result["level"], "warning");
    let location = &result["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "spec/a%20b.yaml");
    assert_eq!(location["region"]["startLine"], 4);
    assert_eq!(result["relatedLocations"].as_array().unwrap().len(), 2);
    let change = &result["fixes"][0]["artifactChanges"][0];
    assert_eq!(
        change["replacements"][0]["insertedContent"]["text"],
        "third"
    );
}

#[test]
fn machines_are_told_which_edits_are_certain() {
    let json = |found: Diagnostic| -> serde_json::Value {
        serde_json::from_str(&render(&[found], &sources(), Format::Json, Colour::Plain)).unwrap()
    };
    let sarif = |found: Diagnostic| -> serde_json::Value {
        let text = render(&[found], &sources(), Format::Sarif, Colour::Plain);
        let log: serde_json::Value = serde_json::from_str(&text).unwrap();
        log["runs"][0]["results"][0].clone()
    };
    let certain = finding();
    let mut proposed = finding();
    proposed.is_proposal = true;
    let mut without = finding();
    without.edits.clear();
    assert_eq!(json(certain.clone())["editsAre"], "certain");
    assert_eq!(json(proposed.clone())["editsAre"], "proposal");
    assert!(json(without).get("editsAre").is_none());
    // What is in `fixes` may be made by a reader of SARIF without a question.
    let (certain, mut proposed) = (sarif(certain), sarif(proposed));
    assert!(certain.get("properties").is_none());
    assert!(proposed.get("fixes").is_none());
    let fixes = proposed["properties"]["proposedFixes"].take();
    assert_eq!(fixes, certain["fixes"]);
}

#[test]
fn a_clean_run_is_a_sarif_log_without_results() {
    let text = render(&[], &sources(), Format::Sarif, Colour::Plain);
    let log: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(log["runs"][0]["results"].as_array().unwrap().is_empty());
}

#[test]
fn github_gets_escaped_commands() {
    assert_eq!(
        shown(Format::Github),
        "::warning file=spec/a b.yaml,line=4,endLine=4,col=3,endColumn=9,title=shadowed-route\
         ::route `second`, 100%25 of it, can never match%0Anote: a fact%0Ahelp: rename it\n"
    );
}

#[test]
fn a_finding_in_no_file_is_shown_without_lines() {
    let found = [Diagnostic::new(&CODE, Span::NONE, "there is no mesh")];
    for format in [Format::Human, Format::Json, Format::Sarif, Format::Github] {
        assert!(render(&found, &sources(), format, Colour::Plain).contains("there is no mesh"));
    }
}

#[test]
fn places_at_the_very_end_and_far_apart_are_shown() {
    let long = format!("a: 1\n{}z: 2", "# line\n".repeat(5_000));
    let end = u32::try_from(long.len()).unwrap();
    let sources = Sources::new(vec![SourceFile {
        path: "long.yaml".to_owned(),
        text: long,
    }]);
    let found = [
        Diagnostic::new(&CODE, Span::new(FileId(0), end, end), "at the end")
            .label(Span::new(FileId(0), 0, 1), "far away"),
    ];
    let text = render(&found, &sources, Format::Human, Colour::Plain);
    assert!(text.contains("5002 | z: 2"), "{text}");
    assert!(text.contains("far away"), "{text}");
}

#[test]
fn errors_and_warnings_are_counted() {
    let mut error = finding();
    error.severity = Severity::Error;
    assert_eq!(
        summary(&[error.clone(), error, finding()]),
        "2 errors, 1 warning"
    );
    assert_eq!(summary(&[]), "no findings");
}

#[test]
fn what_is_accepted_is_counted_for_people_and_marked_for_machines() {
    let mut accepted = finding();
    accepted.suppressed = Some(crate::diagnostic::Suppressed {
        span: span(1, "routes"),
        reason: "the API decides".to_owned(),
        owner: "orders".to_owned(),
        until: "2027-01-31".to_owned(),
    });
    let shown = |format| {
        render(
            std::slice::from_ref(&accepted),
            &sources(),
            format,
            Colour::Plain,
        )
    };
    let human = shown(Format::Human);
    assert!(!human.contains("can never match"), "{human}");
    let json: serde_json::Value = serde_json::from_str(&shown(Format::Json)).unwrap();
    assert_eq!(json["suppressed"]["reason"], "the API decides");
    let sarif: serde_json::Value = serde_json::from_str(&shown(Format::Sarif)).unwrap();
    let marked = &sarif["runs"][0]["results"][0]["suppressions"][0];
    assert_eq!(marked["kind"], "inSource");
    assert_eq!(shown(Format::Github), "");
}

#[test]
fn a_long_line_is_shown_around_each_place_and_never_whole() {
    let text = format!("a: [{}]\n", "é,".repeat(100_000));
    let sources = Sources::new(vec![SourceFile {
        path: "long.yaml".to_owned(),
        text,
    }]);
    let finding = |nth: u32| {
        let at = 4 + 3 * nth;
        Diagnostic::new(&CODE, Span::new(FileId(0), at, at + 2), "not a name").saying("here")
    };
    let found: Vec<Diagnostic> = (0..100).map(|nth| finding(1_000 * nth)).collect();

    let text = render(&found, &sources, Format::Human, Colour::Plain);

    assert!(text.len() < 100 * 1_000, "{}", text.len());
    let around = format!("…{}»{}…", ",é".repeat(13) + ",", "é,".repeat(40));
    let expected = format!(
        "
warning[shadowed-route]: not a name
--> long.yaml:1:2005
 = near: {around}
 = note: here
"
    );
    assert!(text.contains(&expected), "{text}\n{expected}");
}

#[test]
fn text_of_users_is_nothing_but_text_in_every_format() {
    let text = "a: x\u{1b}[2J\u{9b}2J ##[error]\n".to_owned();
    let file = SourceFile {
        path: "a\u{1b}]0;b\u{7}.yaml".to_owned(),
        text,
    };
    let sources = Sources::new(vec![file]);
    let hostile = "a\u{1b}[31m b\n::error::c [d](1) ##[group]e";
    let found = [Diagnostic::new(&CODE, Span::new(FileId(0), 3, 4), hostile)
        .saying(hostile)
        .note(hostile)
        .help(hostile)
        .edit(Span::new(FileId(0), 3, 4), "z\u{1b}[31m")];
    for format in [Format::Human, Format::Json, Format::Sarif, Format::Github] {
        let text = render(&found, &sources, format, Colour::Plain);
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{text}");
        let commands = text
            .lines()
            .filter(|line| line.trim_start().starts_with("::"));
        assert_eq!(
            commands.count(),
            usize::from(format == Format::Github),
            "{text}"
        );
    }
    let human = render(&found, &sources, Format::Human, Colour::Plain);
    assert!(
        !human.contains("##[") && !human.contains('\u{9b}'),
        "{human}"
    );
    let sarif: serde_json::Value =
        serde_json::from_str(&render(&found, &sources, Format::Sarif, Colour::Plain)).unwrap();
    let message = sarif["runs"][0]["results"][0]["message"]["text"]
        .as_str()
        .unwrap();
    assert!(
        message.contains("\\[d\\](1)") && !message.contains("[d](1)"),
        "{message}"
    );
}
