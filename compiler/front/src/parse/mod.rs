//! From texts to typed files, with every shape error of every file in one run.
//!
//! | step | module | gives |
//! |---|---|---|
//! | read | [`yaml`] | trees with bytes, within limits |
//! | evaluate | [`template`] | the same trees, with `{{ }}` replaced by values |
//! | decode | [`decode`] | [`weft_spec::File`]s |
//!
//! Files are independent of each other here, so they are read on several threads; the result does not
//! depend on how many. What a name refers to is not known yet.

mod before;
pub mod codes;
mod decode;
mod left_out;
mod template;
mod variable;
mod yaml;

use std::collections::BTreeSet;

use weft_spec::{File, FileId, Span};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{SourceFile, Sources};

use variable::{as_expression, variable};

pub use before::Before;
pub use codes::CODES;
pub use template::Values;
pub use yaml::{MAX_DOCUMENTS, MAX_FILE_BYTES, MAX_NESTING, MAX_NODES, MAX_TOTAL_BYTES};

/// Reads all files of a spec, evaluating expressions over `values`.
///
/// A file may hold several documents; each is one [`File`]. What is wrong is left out and reported, so
/// the files that come back are whole only when nothing was reported.
pub fn parse(
    sources: &Sources,
    values: &Values,
    diagnostics: &mut Diagnostics,
) -> Vec<(FileId, File)> {
    parse_beside(sources, values, Before::default(), diagnostics).files
}

/// The files of a spec, and those of them in which something was evaluated.
#[derive(Debug)]
pub struct Parsed {
    /// In the order of the sources.
    pub files: Vec<(FileId, File)>,
    evaluated: BTreeSet<FileId>,
}

/// The same beside a spec that was read before.
pub fn parse_beside(
    sources: &Sources,
    values: &Values,
    before: Before,
    diagnostics: &mut Diagnostics,
) -> Parsed {
    diagnostics.extend(left_out::findings(sources));
    let within = within_total(sources, diagnostics);
    let (mut files, rest) = before.share(&within);
    let fuel = template::Fuel::of_run();
    let parsed = crate::threads::map(&rest, |(file, source)| {
        let mut found = Diagnostics::of_one_of(within.len());
        let files = parse_file((*file, source), (values, &fuel), &mut found);
        (*file, files, found)
    });
    let mut evaluated = BTreeSet::new();
    if fuel.is_spent() {
        // Which expressions were left out, and what else was found, depends on the threads.
        diagnostics.push(template::Fuel::finding());
        let files = Vec::new();
        return Parsed { files, evaluated };
    }
    files.reserve(parsed.len());
    for (file, (mut some, has_expressions), found) in parsed {
        files.append(&mut some);
        evaluated.extend(has_expressions.then_some(file));
        diagnostics.append(found);
    }
    // The documents of a file stay in their order.
    files.sort_by_key(|(file, _)| *file);
    Parsed { files, evaluated }
}

/// The documents of a file, and whether there are expressions in it.
fn parse_file(
    (file, source): (FileId, &SourceFile),
    with: (&Values, &template::Fuel),
    diagnostics: &mut Diagnostics,
) -> (Vec<(FileId, File)>, bool) {
    let mut has_expressions = false;
    let files = yaml::read(file, &source.text, diagnostics)
        .into_iter()
        .filter_map(|mut tree| {
            has_expressions |= !tree.templated().is_empty();
            template::evaluate(&mut tree, &source.text, with, diagnostics);
            Some((file, decode::decode(&tree, diagnostics)?))
        });
    let files = files.collect();
    (files, has_expressions)
}

/// The files up to [`MAX_TOTAL_BYTES`]; the first one beyond is reported.
fn within_total<'s>(
    sources: &'s Sources,
    diagnostics: &mut Diagnostics,
) -> Vec<(FileId, &'s SourceFile)> {
    let mut total = 0_usize;
    let mut within = Vec::new();
    for (file, source) in sources.iter() {
        total = total.saturating_add(source.text.len());
        if MAX_TOTAL_BYTES < total {
            let message = format!("the files have more than {MAX_TOTAL_BYTES} bytes together");
            let found = Diagnostic::new(
                &crate::diagnostic::TOO_LARGE,
                Span::new(file, 0, 0),
                message,
            )
            .note("neither this file nor those behind it were read");
            diagnostics.push(found);
            break;
        }
        within.push((file, source));
    }
    within
}

#[cfg(test)]
mod tests;
