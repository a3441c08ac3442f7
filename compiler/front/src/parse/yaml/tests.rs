//! Trees of small texts: kinds, bytes, limits, and what is refused.

use weft_spec::FileId;

use super::*;
use crate::diagnostic::Diagnostic;

fn read_text(text: &str) -> (Vec<Tree<'_>>, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::default();
    let trees = read(FileId(0), text, &mut diagnostics);
    (trees, diagnostics.sorted())
}

/// The one finding of a text.
pub(super) fn only(text: &str) -> Diagnostic {
    let mut found = read_text(text).1;
    assert_eq!(found.len(), 1, "{text} {found:#?}");
    found.remove(0)
}

/// The text after the one edit of its one finding, which is YAML.
pub(super) fn mended(text: &str) -> String {
    let found = only(text);
    let [edit] = found.edits.as_slice() else {
        panic!("{text}: {found:?}");
    };
    let mut mended = text.to_owned();
    mended.replace_range(edit.span.bytes(), &edit.replacement);
    let mut diagnostics = Diagnostics::default();
    read(FileId(0), &mended, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{mended}");
    mended
}

fn codes(text: &str) -> Vec<&'static str> {
    read_text(text)
        .1
        .iter()
        .map(|found| found.code.name)
        .collect()
}

fn at<'t>(text: &'t str, tree: &Tree<'_>, id: NodeId) -> &'t str {
    let span = tree.span(id);
    text.get(span.bytes()).unwrap()
}

fn written<'t>(text: &'t str, tree: &Tree<'_>) -> Vec<&'t str> {
    (0..tree.len())
        .map(|index| at(text, tree, NodeId(u32::try_from(index).unwrap())))
        .collect()
}

#[test]
fn every_node_knows_its_bytes() {
    let text = "a: 1\nb:\n  - \"x y\"\n  - {c: d}\n\n# end\n";
    let (trees, found) = read_text(text);
    assert!(found.is_empty());
    assert_eq!(
        written(text, &trees[0]),
        [
            "a: 1\nb:\n  - \"x y\"\n  - {c: d}",
            "a",
            "1",
            "b",
            "- \"x y\"\n  - {c: d}",
            "\"x y\"",
            "{c: d}",
            "c",
            "d"
        ]
    );
}

#[test]
fn a_value_that_is_not_there_lies_behind_its_key() {
    let text = "a:\n\nb: 1\n";
    let (trees, _) = read_text(text);
    let span = trees[0].span(NodeId(2));
    assert_eq!((span.start, span.end), (1, 1));
}

#[test]
fn several_documents_are_several_trees_and_empty_ones_are_none() {
    let (trees, found) = read_text("---\n# nothing\n---\na: 1\n---\nb: 2\n");
    assert!(found.is_empty());
    assert_eq!(trees.len(), 2);
    assert!(read_text("# only a comment\n").0.is_empty());
    assert!(read_text("").0.is_empty());
}

#[test]
fn a_document_behind_a_broken_one_is_read() {
    let (trees, found) = read_text("a: [1, 2\n---\nb: 2\n");
    assert_eq!(trees.len(), 1);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code.name, "yaml-syntax");
}

#[test]
fn a_key_that_is_there_twice_shows_both_places() {
    let text = "a: 1\nb: 2\na: 3\n";
    let (_, found) = read_text(text);
    assert_eq!(found[0].code.name, "duplicate-key");
    assert_eq!(found[0].primary.span.start, 10);
    assert_eq!(found[0].secondary[0].span.start, 0);
}

#[test]
fn what_the_language_leaves_out_is_refused() {
    for text in [
        "a: &x 1\n",
        "a: *x\n",
        "a: !!str 1\n",
        "a: !custom {b: 1}\n",
        "<<: {a: 1}\n",
        "? [a]\n: 1\n",
        ": 1\n",
    ] {
        assert_eq!(codes(text), ["unsupported-yaml"], "{text}");
    }
    assert_eq!(codes("%YAML 1.1\n---\na: 1\n"), ["yaml-syntax"]);
}

#[test]
fn an_anchor_and_its_alias_are_both_refused() {
    assert_eq!(
        codes("a: &x 1\nb: *x\n"),
        ["unsupported-yaml", "unsupported-yaml"]
    );
}

#[test]
fn an_unquoted_expression_says_to_quote_it() {
    for text in [
        "port: {{ port }}\n",
        "a: [{{ port }}]\n",
        "a: {{ port }}-suffix\n",
        "a: {{ x[\"k\"] }}\n",
        "- {{ port | default(3) }}\n",
    ] {
        let (_, found) = read_text(text);
        assert_eq!(found.len(), 1, "{text} {found:?}");
        assert_eq!(found[0].code.name, "unquoted-expression", "{text}");
        assert_eq!(found[0].help.as_deref(), Some("quote the expression"));
    }
    let (_, found) = read_text("port: {{ port }}\n");
    assert_eq!(found[0].edits[0].replacement, "\"{{ port }}\"");
}

#[test]
fn nesting_is_bounded() {
    let deep = |depth: usize| format!("a: {}{}\n", "[".repeat(depth), "]".repeat(depth));
    assert!(codes(&deep(MAX_NESTING - 1)).is_empty());
    assert_eq!(codes(&deep(MAX_NESTING)), ["too-large"]);
    assert_eq!(
        codes(&deep(100_000)),
        ["too-large"],
        "{:?}",
        read_text(&deep(100_000)).1[0]
    );
    let block: Vec<String> = (0..100)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    let block = block.concat();
    assert_eq!(codes(&block), ["too-large"]);
}

#[test]
fn the_number_of_nodes_is_bounded() {
    let text = format!("[{}]\n", "1,".repeat(MAX_NODES + 2));
    assert_eq!(codes(&text), ["too-large"]);
}

#[test]
fn the_size_of_a_file_is_bounded() {
    let text = "#".repeat(MAX_FILE_BYTES + 1);
    assert_eq!(codes(&text), ["too-large"]);
}

#[test]
fn tabs_are_named() {
    let (_, found) = read_text("a:\n\t- b: 1\n");
    assert_eq!(found[0].code.name, "yaml-syntax");
    assert!(
        found[0]
            .help
            .as_deref()
            .unwrap_or_default()
            .contains("tabs"),
        "{found:?}"
    );
}

#[test]
fn a_missing_key_has_a_place() {
    let text = "{*<}:\t";
    for found in read_text(text).1 {
        assert!(text.get(found.primary.span.bytes()).is_some(), "{found:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "[-:{}\\[\\],&*!|>'\"%@`#?~ \t\r\nab0<\u{e9}]{0,80}") {
        let (trees, found) = read_text(&text);
        for tree in &trees {
            written(&text, tree);
        }
        for diagnostic in &found {
            let span = diagnostic.primary.span;
            proptest::prop_assert!(text.get(span.bytes()).is_some());
        }
    }
}
