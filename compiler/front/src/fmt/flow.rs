//! Blanks within brackets that open and close on one line.

use std::ops::Range;

use crate::parse::yaml::{Kind, NodeId, Tree};

/// An edit of blanks.
pub(super) type BlankEdit = (Range<usize>, String);

/// The edits for the brackets of a node; nothing where something else than their signs stands between its parts.
pub(super) fn edits(tree: &Tree<'_>, text: &str, id: NodeId) -> Option<Vec<BlankEdit>> {
    let mut leaves = Vec::new();
    collect(tree, id, &mut leaves);
    let whole = tree.span(id).bytes();
    let ends = leaves.iter().map(|leaf| leaf.end);
    let starts = leaves.iter().map(|leaf| leaf.start);
    let from = std::iter::once(whole.start).chain(ends);
    let to = starts.chain([whole.end]);
    let gaps = from.zip(to).map(|(from, to)| {
        let gap = text.get(from..to)?;
        Some((from..to, between(gap)?))
    });
    gaps.collect()
}

/// The bytes of every scalar, in the order of the text; those of nothing are empty and left out.
fn collect(tree: &Tree<'_>, id: NodeId, leaves: &mut Vec<Range<usize>>) {
    match tree.kind(id) {
        Kind::Scalar { .. } => {
            let bytes = tree.span(id).bytes();
            if !bytes.is_empty() {
                leaves.push(bytes);
            }
        }
        Kind::Sequence | Kind::Mapping => {
            for child in tree.children(id) {
                collect(tree, child, leaves);
            }
        }
    }
}

/// The signs between two scalars with the blanks that they take.
fn between(gap: &str) -> Option<String> {
    let mut laid_out = String::new();
    for sign in gap.chars().filter(|sign| *sign != ' ') {
        match sign {
            // A value of nothing: without its blank the sign would be part of the key.
            ',' | '}' | ']' if laid_out.ends_with(": ") => return None,
            '{' | '[' | '}' | ']' => laid_out.push(sign),
            ',' | ':' => laid_out.extend([sign, ' ']),
            _ => return None,
        }
    }
    Some(laid_out)
}
