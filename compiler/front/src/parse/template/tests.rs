//! What expressions give, and where their mistakes are.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::parse::missing;
use crate::parse::template::{Fuel, Values, evaluate};
use crate::parse::yaml::{self, Scalar};
use crate::source::{SourceFile, Sources};

const VALUES: &str =
    "port: 8443\nname: shop\nflag: true\nlimits: {request: 2s}\nlist: [1, 2]\nempty:\n";

fn run(scalar: &str) -> (String, Vec<Diagnostic>) {
    let text = format!("v: {scalar}\n");
    let file = |path: &str, text: &str| SourceFile {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let sources =
        Sources::new(vec![file("a.yaml", &text)]).with_values(vec![file("values.yaml", VALUES)]);
    let mut diagnostics = Diagnostics::default();
    let values = Values::read(&sources, &mut diagnostics);
    let (id, source) = sources.iter().next().unwrap();
    let mut trees = yaml::read(id, &source.text, &mut diagnostics);
    let tree = &mut trees[0];
    let mut unset = Vec::new();
    evaluate(
        tree,
        &source.text,
        (&values, &Fuel::of_run()),
        (&mut diagnostics, &mut unset, &mut BTreeSet::new()),
    );
    let known: Vec<&str> = values.names().collect();
    let unset = missing::finding(&unset, &known, (&[], &sources));
    diagnostics.extend(unset.map(|(found, _)| found));
    let (_, value) = tree.entries(tree.root().unwrap()).next().unwrap();
    let yaml::Kind::Scalar { text, style } = tree.kind(value) else {
        panic!("a scalar");
    };
    (
        format!("{:?}", Scalar::read(text, style)),
        diagnostics.sorted(),
    )
}

fn value(scalar: &str) -> String {
    let (value, found) = run(scalar);
    assert!(found.is_empty(), "{found:?}");
    value
}

fn mistake(scalar: &str) -> (String, String) {
    let (_, found) = run(scalar);
    assert_eq!(found.len(), 1, "{found:?}");
    let span = found[0].primary.span;
    let text = format!("v: {scalar}\n");
    (
        found[0].message.clone(),
        text.get(span.bytes()).unwrap().to_owned(),
    )
}

#[test]
fn one_expression_keeps_the_kind_of_its_value() {
    assert_eq!(value("\"{{ port }}\""), "Number(8443)");
    assert_eq!(value("\"{{ flag }}\""), "Boolean(true)");
    assert_eq!(value("\"{{ name }}\""), "Text(\"shop\")");
    assert_eq!(value("\"{{ port + 1 }}\""), "Number(8444)");
    assert_eq!(value("'{{ port | string }}'"), "Text(\"8443\")");
}

#[test]
fn anything_beside_it_makes_a_text() {
    assert_eq!(value("\"{{ port }}{{ port }}\""), "Text(\"84438443\")");
    assert_eq!(
        value("\"{{ name }}.example:{{ port }}\""),
        "Text(\"shop.example:8443\")"
    );
    assert_eq!(value("'{{ limits.request }}'"), "Text(\"2s\")");
}

#[test]
fn statements_and_comments_are_text() {
    assert_eq!(
        value("\"{% if x %}{# y #}{{ name }}\""),
        "Text(\"{% if x %}{# y #}shop\")"
    );
}

#[test]
fn an_unknown_value_is_named_with_its_nearest_neighbour() {
    assert_eq!(
        mistake("\"a-{{ nam }}\""),
        ("there is no value `nam`".to_owned(), "nam".to_owned())
    );
    let (_, found) = run("\"{{ limits.reqest }}\"");
    assert_eq!(
        found[0].help.as_deref(),
        Some("did you mean `limits.request`?")
    );
    assert_eq!(found[0].edits[0].replacement, "limits.request");
}

#[test]
fn a_whole_expression_that_is_undefined_is_an_error_too() {
    assert_eq!(
        mistake("\"{{ missing }}\"").0,
        "there is no value `missing`"
    );
    assert_eq!(
        mistake("\"{{ limits.zz }}\"").0,
        "there is no value `limits.zz`"
    );
}

#[test]
fn a_default_stands_in_for_an_unknown_value() {
    assert_eq!(value("\"{{ missing | default(3) }}\""), "Number(3)");
}

#[test]
fn mistakes_point_into_the_scalar() {
    let (message, place) = mistake("\"x {{ port + }} y\"");
    assert!(
        message.starts_with("the expression is wrong: "),
        "{message}"
    );
    assert!(place.len() < 12, "{place}");
    assert_eq!(mistake("\"a {{ port\"").0, "the expression has no `}}`");
    assert!(mistake("\"{{ port | nofilter }}\"").1.contains("nofilter"));
}

#[test]
fn lists_mappings_and_nothing_are_refused() {
    assert!(mistake("\"{{ list }}\"").0.contains("gives a list"));
    assert!(mistake("\"{{ limits }}\"").0.contains("gives a mapping"));
    assert!(mistake("\"{{ empty }}\"").0.contains("gives nothing"));
}

#[test]
fn work_is_bounded() {
    assert_eq!(run("\"{{ 'x' * 100000000 }}\"").1.len(), 1);
    let long = format!("\"{}\"", "{{ name }}".repeat(20_000));
    assert_eq!(
        mistake(&long).0,
        "a text with expressions has at most 64 KiB"
    );
}

#[test]
fn nested_expressions_do_not_overflow_the_stack() {
    let deep = format!("\"{{{{ {}1{} }}}}\"", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(run(&deep).1.len(), 1);
}

#[test]
fn long_expressions_are_refused_and_no_stack_is_too_small_for_the_others() {
    let (message, _) = mistake(&format!("\"{{{{ {}1 }}}}\"", "-".repeat(30_000)));
    assert_eq!(message, "an expression has at most 4 KiB");
    for sign in ["-", "- ", "not ", "-not"] {
        let (message, _) = mistake(&format!("\"{{{{ {}1 }}}}\"", sign.repeat(65)));
        assert_eq!(message, "the expression has more than 64 signs in a row");
    }
    // All of these fit; whether they have a value does not matter.
    for (front, part, behind) in [
        ("", "(", ""),
        ("1", "+1", ""),
        ("1", "-1", ""),
        ("1", "|abs", ""),
        ("", "1 if 1 else ", "1"),
        ("name", ".a", ""),
        ("1", " is not defined and 1", ""),
        ("", "[-", ""),
    ] {
        let count = (4_000 - front.len() - behind.len()) / part.len();
        run(&format!(
            "'{{{{ {front}{}{behind} }}}}'",
            part.repeat(count).replace('\'', "''")
        ));
    }
    assert_eq!(
        value(&format!("\"{{{{ {}1 }}}}\"", "-".repeat(64))),
        "Number(1)"
    );
}

#[test]
fn what_the_expressions_of_a_run_cost_together_is_bounded() {
    let element = "\"{{ ('a' * 60000) | upper | replace('A', 'b') }}\"";
    let one = |count: usize| format!("v: [{}]\n", vec![element; count].join(", "));
    let file = |count: usize| {
        let text = one(count);
        let (mut diagnostics, fuel) = (Diagnostics::default(), Fuel::of_run());
        let mut trees = yaml::read(weft_spec::FileId(0), &text, &mut diagnostics);
        let values = Values::default();
        let (mut unset, mut used) = Default::default();
        let to = (&mut diagnostics, &mut unset, &mut used);
        evaluate(&mut trees[0], &text, (&values, &fuel), to);
        fuel.spent()
    };
    // The same text is evaluated once.
    assert!(file(1_000) - file(1) <= 1_000);
    let spent = |scalar: &str| {
        let text = format!("v: {scalar}\n");
        let (mut diagnostics, fuel) = (Diagnostics::default(), Fuel::of_run());
        let mut trees = yaml::read(weft_spec::FileId(0), &text, &mut diagnostics);
        evaluate(
            &mut trees[0],
            &text,
            (&Values::default(), &fuel),
            (&mut diagnostics, &mut Vec::new(), &mut BTreeSet::new()),
        );
        fuel.spent()
    };
    assert_eq!(spent("\"{{ 1 }}\""), 100);
    assert!(3_000 < spent("\"{{ 'a' * 60000 }}\""));
}
