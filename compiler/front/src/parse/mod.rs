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
mod foreign;
mod left_out;
mod missing;
mod template;
mod unused;
mod variable;
pub(crate) mod yaml;

use std::collections::BTreeSet;

use weft_spec::{File, FileId, Span};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{SourceFile, Sources};

use foreign::Foreign;
use missing::Missing;
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
        parse_file((*file, source), (values, &fuel), within.len())
    });
    let mut evaluated = BTreeSet::new();
    if fuel.is_spent() {
        // Which expressions were left out, and what else was found, depends on the threads.
        diagnostics.push(template::Fuel::finding());
        let files = Vec::new();
        return Parsed { files, evaluated };
    }
    files.reserve(parsed.len());
    let (mut missing, mut foreign) = (Vec::new(), Vec::new());
    let mut used = BTreeSet::new();
    for ((file, _), mut one) in rest.iter().zip(parsed) {
        files.append(&mut one.files);
        evaluated.extend(one.has_expressions.then_some(*file));
        diagnostics.append(one.found);
        missing.append(&mut one.missing);
        used.append(&mut one.used);
        foreign.extend(one.foreign);
    }
    // What lies beside files of values are those of other environments.
    foreign.retain(|one| !sources.is_beside_values(one.file()));
    let known: Vec<&str> = values.names().collect();
    let unset = missing::finding(&missing, &known, (&foreign, sources));
    let supplier = unset.as_ref().and_then(|(_, supplier)| *supplier);
    diagnostics.extend(unset.map(|(found, _)| found));
    let is_other =
        |one: &&Foreign| supplier.is_none_or(|supplier| !sources.are_beside(one.file(), supplier));
    diagnostics.extend(
        foreign
            .iter()
            .filter(is_other)
            .map(|one| one.finding(sources)),
    );
    // A file that cannot be read may be the one that uses a value.
    if !diagnostics.has_errors() {
        diagnostics.extend(unused::findings(values, &used));
    }
    // The documents of a file stay in their order.
    files.sort_by_key(|(file, _)| *file);
    Parsed { files, evaluated }
}

/// What one file comes to.
#[derive(Default)]
struct OfFile {
    /// Its documents.
    files: Vec<(FileId, File)>,
    /// Whether there are expressions in it.
    has_expressions: bool,
    found: Diagnostics,
    /// What its expressions use and nobody has set.
    missing: Vec<Missing>,
    /// The values that they use.
    used: BTreeSet<String>,
    /// What it is, if no file of Weft.
    foreign: Option<Foreign>,
}

/// One of so many files.
fn parse_file(
    (file, source): (FileId, &SourceFile),
    with: (&Values, &template::Fuel),
    of: usize,
) -> OfFile {
    let mut one = OfFile {
        found: Diagnostics::of_one_of(of),
        ..OfFile::default()
    };
    let trees = yaml::read(file, &source.text, &mut one.found);
    if let Some(foreign) = Foreign::of(&trees) {
        // Nothing else in it is about Weft.
        return OfFile {
            foreign: Some(foreign),
            ..OfFile::default()
        };
    }
    for mut tree in trees {
        one.has_expressions |= !tree.templated().is_empty();
        let to = (&mut one.found, &mut one.missing, &mut one.used);
        template::evaluate(&mut tree, &source.text, with, to);
        let decoded = decode::decode(&tree, with.0, &mut one.found);
        one.files.extend(decoded.map(|decoded| (file, decoded)));
    }
    one
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
