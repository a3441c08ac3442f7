//! The one way a file of a spec is laid out: `weft fmt`.
//!
//! Whitespace alone is changed, so every comment, quote and order stays: two blanks for each level, lists one level below their key, one
//! blank behind `:`, `,` and `-`, none within brackets on one line, at most one blank line in a row, no blanks at the ends of lines, and one
//! line break at the end. Comments behind a value stay where their author has aligned them. What is within a text, or within brackets
//! over several lines, moves with the line where it begins.

mod flow;
mod layout;

use weft_spec::FileId;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::parse::yaml::{self, Kind, NodeId, Tree};

use layout::Layout;

/// Why a file has no other layout.
#[derive(Debug)]
pub enum Unformatted {
    /// It is not YAML as Weft reads it.
    Wrong(Vec<Diagnostic>),
    /// It is laid out in a way that this does not know, and is left as it is.
    Unknown,
}

/// The text of a file, laid out.
///
/// # Errors
///
/// When it is not read, or its layout is not known. Nothing is lost then.
pub fn format(file: FileId, text: &str) -> Result<String, Unformatted> {
    let mut found = Diagnostics::default();
    let trees = yaml::read(file, text, &mut found);
    if found.has_errors() {
        return Err(Unformatted::Wrong(found.sorted()));
    }
    let mut layout = Layout::of(text);
    for tree in &trees {
        let root = tree.root().ok_or(Unformatted::Unknown)?;
        layout.document(tree, root).ok_or(Unformatted::Unknown)?;
    }
    let laid_out = layout.text().ok_or(Unformatted::Unknown)?;
    // INVARIANT: a layout changes nothing but whitespace outside of values.
    let again = yaml::read(file, &laid_out, &mut found);
    let is_same = without_blanks(text).eq(without_blanks(&laid_out))
        && !found.has_errors()
        && trees.len() == again.len()
        && trees
            .iter()
            .zip(&again)
            .all(|(old, new)| are_same(old, new));
    if is_same {
        Ok(laid_out)
    } else {
        Err(Unformatted::Unknown)
    }
}

fn without_blanks(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|symbol| !symbol.is_whitespace())
}

fn are_same(old: &Tree<'_>, new: &Tree<'_>) -> bool {
    let roots = old.root().zip(new.root());
    old.len() == new.len() && roots.is_none_or(|roots| are_same_nodes((old, new), roots))
}

fn are_same_nodes(trees: (&Tree<'_>, &Tree<'_>), (old, new): (NodeId, NodeId)) -> bool {
    let children = || {
        let pairs = trees.0.children(old).zip(trees.1.children(new));
        let mut pairs = pairs.map(|pair| are_same_nodes(trees, pair));
        trees.0.children(old).count() == trees.1.children(new).count() && pairs.all(|same| same)
    };
    match (trees.0.kind(old), trees.1.kind(new)) {
        (
            Kind::Scalar { text, style },
            Kind::Scalar {
                text: other,
                style: another,
            },
        ) => text == other && style == another,
        (Kind::Sequence, Kind::Sequence) | (Kind::Mapping, Kind::Mapping) => children(),
        (Kind::Scalar { .. } | Kind::Sequence | Kind::Mapping, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_out(text: &str) -> String {
        let once = format(FileId(0), text).unwrap();
        let twice = format(FileId(0), &once).unwrap();
        assert_eq!(once, twice, "not settled");
        once
    }

    #[test]
    fn levels_have_two_blanks_and_lists_are_below_their_keys() {
        let text = "\n\nweft:   v1\nroutes:\n    r:\n        rules:\n        -   path: /a\n            to:   s\n\n\n        - {to: t}   \n";
        assert_eq!(
            laid_out(text),
            "weft: v1\nroutes:\n  r:\n    rules:\n      - path: /a\n        to: s\n\n      - {to: t}\n"
        );
    }

    #[test]
    fn brackets_on_one_line_have_no_blanks_within() {
        let text = "a: { x: 1 ,y: [ b,\"c, d\" ,{ } ], \"z\":2 }\nb: [  ]\n";
        assert_eq!(
            laid_out(text),
            "a: {x: 1, y: [b, \"c, d\", {}], \"z\": 2}\nb: []\n"
        );
    }

    #[test]
    fn a_list_may_begin_with_brackets() {
        for (text, wanted) in [
            ("a:\n- [ b ]\n- {c: 1}\n", "a:\n  - [b]\n  - {c: 1}\n"),
            (
                "a:\n    - { c: 1 }\n    - [d]\n",
                "a:\n  - {c: 1}\n  - [d]\n",
            ),
            ("[[ a ], b]\n", "[[a], b]\n"),
            ("- - a\n  - b\n-   c\n", "- - a\n  - b\n- c\n"),
        ] {
            assert_eq!(laid_out(text), wanted);
        }
    }

    #[test]
    fn comments_stay_with_what_they_are_about() {
        let text = "# head\na: 1        # aligned\nb:\n    # about c\n    c: 1\n    # end of b\n# about d\nd: 2\n    # end\n";
        assert_eq!(
            laid_out(text),
            "# head\na: 1        # aligned\nb:\n  # about c\n  c: 1\n  # end of b\n# about d\nd: 2\n# end\n"
        );
    }

    #[test]
    fn texts_and_long_brackets_move_with_their_line() {
        let text = "a:\n      b: |\n          x\n            y  \n\n\n          z\n      c: {d: 1,\n          e: 2}\n      f: \"g\n        h\"\n";
        assert_eq!(
            laid_out(text),
            "a:\n  b: |\n    x\n      y  \n\n\n    z\n  c: {d: 1,\n      e: 2}\n  f: \"g\n    h\"\n"
        );
    }

    #[test]
    fn documents_and_windows_line_ends() {
        assert_eq!(
            laid_out("weft: v1\r\n---\r\n# two\r\nweft: v1\r\n"),
            "weft: v1\n---\n# two\nweft: v1\n"
        );
        assert_eq!(laid_out(""), "");
        assert_eq!(laid_out("# alone\n\n"), "# alone\n");
    }

    #[test]
    fn what_is_not_yaml_is_left_alone() {
        let wrong = format(FileId(0), "a: [\n");
        assert!(matches!(wrong, Err(Unformatted::Wrong(found)) if !found.is_empty()));
    }
}
