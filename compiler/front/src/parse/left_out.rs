//! What lies among the files of a spec and is not read, which is worth a word: somebody may rely on what it says.
//!
//! Links and repositories lead elsewhere, which a revision does not hold. What is called like a file of the spec and cannot be read
//! is an error: half of a spec is another spec.

use weft_spec::Span;

use super::codes;
use crate::diagnostic::Diagnostic;
use crate::source::{LeftOut, Sources};

/// A finding for each.
pub(super) fn findings(sources: &Sources) -> impl Iterator<Item = Diagnostic> {
    sources.left_out().iter().map(|left| finding(sources, left))
}

fn finding(sources: &Sources, left: &LeftOut) -> Diagnostic {
    let elsewhere = |path: &str, what: &str, help: &str| {
        let shown = sources.shown_below_root(path);
        let message = format!("`{shown}` is {what} and not read");
        Diagnostic::new(&codes::LINK_IN_SPEC, Span::NONE, message).help(format!(
            "{help}, or a file `.weftignore` into a folder that is no part of the spec"
        ))
    };
    match left {
        LeftOut::Link(path) => elsewhere(
            path,
            "a link",
            "put a copy of what it leads to in its place",
        ),
        LeftOut::Repository(path) => elsewhere(
            path,
            "a repository of its own",
            "put the files of the spec into one repository",
        ),
        LeftOut::Unreadable(path, why) => {
            let shown = sources.shown_below_root(path);
            let message = format!("`{shown}` cannot be read: {why}");
            Diagnostic::new(&codes::UNREADABLE_FILE, Span::NONE, message)
                .help("make it a file of text that can be read, or remove it")
        }
        LeftOut::OddEnding(path) => {
            let shown = sources.shown_below_root(path);
            let stem = path.rsplit_once('.').map_or("", |(stem, _)| stem);
            let right = sources.shown_below_root(stem);
            let message = format!("`{shown}` is not read, because of the ending of its name");
            Diagnostic::new(&codes::ODD_ENDING, Span::NONE, message)
                .note("files of a spec end in `.yaml` or `.yml`")
                .help(format!(
                    "call it `{right}.yaml`, or give it another ending if it is no part of the spec"
                ))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::source::{LeftOut, SourceFile, Sources};

    #[test]
    fn an_ending_is_odd_when_only_its_case_is_another_one() {
        let odd = |path: &str| LeftOut::of_odd_ending(path).is_some();
        for path in ["x.YAML", "a/b.Yml", "a.b.yAML"] {
            assert!(odd(path), "{path}");
        }
        for path in [
            "x.yaml",
            "x.yml",
            ".YAML",
            "a/.YML",
            "YAML",
            "x.yaml.bak",
            "x.json",
        ] {
            assert!(!odd(path), "{path}");
        }
    }

    #[test]
    fn what_cannot_be_read_rejects_the_spec_and_an_odd_ending_does_not() {
        let file = SourceFile {
            path: "mesh.yaml".to_owned(),
            text: "weft: v1\n".to_owned(),
        };
        let said = |left: LeftOut| {
            let sources = Sources::new(vec![file.clone()])
                .leaving_out(vec![left])
                .shown_below("spec/");
            let mut found = crate::diagnostic::Diagnostics::default();
            crate::parse::parse(&sources, &crate::parse::Values::default(), &mut found);
            let rejects = found.has_errors();
            (rejects, found.sorted().remove(0).message)
        };
        let why = "it leads to nothing".to_owned();
        assert_eq!(
            said(LeftOut::Unreadable("a.yaml".to_owned(), why)),
            (
                true,
                "`spec/a.yaml` cannot be read: it leads to nothing".to_owned()
            )
        );
        assert_eq!(
            said(LeftOut::OddEnding("a.YAML".to_owned())),
            (
                false,
                "`spec/a.YAML` is not read, because of the ending of its name".to_owned()
            )
        );
    }
}
