//! From text to trees: YAML 1.2 without anchors, aliases, tags, directives and merge keys.
//!
//! [`read`] gives one [`Tree`] for each document of a file and reports what is wrong with the text.
//! A document with a syntax error is left out, and the next one is read; everything else that is
//! refused is reported and read past, so that one run shows it all. What other readers of YAML refuse
//! or take for something else is found beside that: see [`Elsewhere`] and `portable.rs`.

mod build;
mod elsewhere;
mod event;
mod portable;
mod scalar;
mod scan;
mod slips;
mod syntax;
mod tree;

use weft_spec::FileId;

use crate::diagnostic::Diagnostics;

pub(crate) use elsewhere::Elsewhere;
pub(crate) use event::Style;
pub(crate) use scalar::Scalar;
pub(crate) use tree::{Children, Kind, NodeId, Tree};

/// The largest file in bytes; a larger one is not read at all.
pub const MAX_FILE_BYTES: usize = 8 << 20;
/// How deeply lists and mappings may be nested; what is deeper ends the document.
pub const MAX_NESTING: usize = 64;
/// The most nodes (keys, values, lists and mappings) of one file; what follows is not read.
pub const MAX_NODES: usize = 2_000_000;
/// The most documents of one file; what follows is not read.
pub const MAX_DOCUMENTS: usize = 10_000;
/// The most bytes of all files together; the file that goes beyond and all behind it are not read.
pub const MAX_TOTAL_BYTES: usize = 512 << 20;

/// Reads the documents of one file.
pub(crate) fn read<'s>(
    file: FileId,
    text: &'s str,
    diagnostics: &mut Diagnostics,
) -> Vec<Tree<'s>> {
    if portable::stray_breaks(file, text, diagnostics) {
        return Vec::new();
    }
    let mut found = Diagnostics::default();
    let trees = build::documents(file, text, &mut found);
    // Of a text that is no YAML it cannot be said what stands within quotes.
    if !found.has_errors() {
        portable::check(text, &trees, &mut found);
    }
    diagnostics.append(found);
    trees
}

#[cfg(test)]
mod tests;
