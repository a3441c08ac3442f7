//! `weft fmt` changes how files look and nothing that they mean: held on the spec of every case.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use weft_front::Surroundings;
use weft_front::diagnostic::Diagnostics;
use weft_front::fmt::{Unformatted, format};
use weft_front::parse::Values;
use weft_front::source::{SourceFile, Sources};
use weft_golden_tests::folder::Case;

/// The kinds whose cases hold a spec.
const KINDS: [&str; 10] = [
    "callers", "info", "lower", "reject", "route", "serve", "test", "warn", "why", "witness",
];
/// The kinds whose specs are compiled before and after.
const COMPILED: [&str; 3] = ["lower", "test", "why"];

/// The files of a spec, laid out; those that are no YAML as they are.
fn laid_out(sources: &Sources, case: &str) -> Sources {
    let files = sources.iter().map(|(id, file)| {
        let text = match format(id, &file.text) {
            Ok(text) => {
                let again = format(id, &text).unwrap();
                assert_eq!(text, again, "{case}: {} is not settled", file.path);
                text
            }
            Err(Unformatted::Wrong(_)) => file.text.clone(),
            Err(Unformatted::Unknown) => {
                assert_eq!(case, "", "{}: its layout is not known", file.path);
                file.text.clone()
            }
        };
        assert_eq!(
            comments(&file.text).count(),
            comments(&text).count(),
            "{case}: a comment is lost"
        );
        SourceFile {
            path: file.path.clone(),
            text,
        }
    });
    let values = sources.values().map(|(_, file)| file.clone());
    Sources::new(files.collect()).with_values(values.collect())
}

fn comments(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.contains('#'))
}

/// The digests of all slices, which are what a diff begins with; places of lines are not in them.
fn slices(sources: &Sources) -> Vec<String> {
    let values = Values::read(sources, &mut Diagnostics::default());
    let (bundle, _) = weft_tell::compile(sources, &values, &Surroundings::default());
    let nodes = bundle
        .into_iter()
        .flat_map(|bundle| bundle.contents().nodes.clone());
    nodes
        .map(|(node, slice)| format!("{node} {}", slice.digest))
        .collect()
}

#[test]
fn a_layout_keeps_comments_and_meaning_and_is_settled() {
    let mut compiled = 0_usize;
    for kind in KINDS {
        for case in Case::all(kind).unwrap() {
            let Ok(sources) = case.spec().sources() else {
                continue;
            };
            let after = laid_out(&sources, &case.name);
            if COMPILED.contains(&kind) {
                let before = slices(&sources);
                compiled += usize::from(!before.is_empty());
                assert_eq!(before, slices(&after), "{}", case.name);
            }
        }
    }
    assert!(20 < compiled, "{compiled}");
}
