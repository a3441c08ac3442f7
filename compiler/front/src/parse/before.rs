//! Files of another spec that were read before: two sides of a comparison have nearly all of them in common.
//!
//! What a file comes to is a function of its text and its position, which its places name, as long as there is nothing to evaluate in it and
//! nothing was found in it. So it is taken over only where the very text stands at the very position; everything else is read.

use std::collections::BTreeSet;

use weft_spec::{File, FileId};

use super::Parsed;
use crate::source::{SourceFile, Sources};

/// Files that are to be read.
type ToRead<'s> = Vec<(FileId, &'s SourceFile)>;

/// The files of a spec with the texts that they were read from; none by default.
#[derive(Debug, Default)]
pub struct Before {
    sources: Sources,
    /// In the order of their files.
    files: Vec<(FileId, File)>,
    /// Those in which something was evaluated, which an escape in a quoted text may hide from whoever looks for braces.
    evaluated: BTreeSet<FileId>,
}

impl Before {
    /// The files of a spec in which nothing was found.
    pub fn new(sources: Sources, parsed: Parsed) -> Self {
        let Parsed { files, evaluated } = parsed;
        Self {
            sources,
            files,
            evaluated,
        }
    }

    /// Whether nothing was read before.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The files that are the same, and what is left to be read.
    pub(super) fn share<'s>(
        self,
        within: &[(FileId, &'s SourceFile)],
    ) -> (Vec<(FileId, File)>, ToRead<'s>) {
        let Self {
            sources,
            files,
            evaluated,
        } = self;
        let is_same = |file: FileId, source: &SourceFile| {
            let known = sources.file(file);
            known.is_some_and(|known| known.text == source.text) && !evaluated.contains(&file)
        };
        let mut read = files.into_iter().peekable();
        let (mut same, mut rest) = (Vec::new(), Vec::new());
        for (file, source) in within {
            while read.next_if(|(known, _)| known < file).is_some() {}
            let is_same =
                read.peek().is_some_and(|(known, _)| known == file) && is_same(*file, source);
            if is_same {
                while let Some(one) = read.next_if(|(known, _)| known == file) {
                    same.push(one);
                }
            } else {
                rest.push((*file, *source));
            }
        }
        (same, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostics;
    use crate::parse::{Values, parse, parse_beside};

    fn sources(files: &[(&str, &str)]) -> Sources {
        let files = files.iter().map(|(path, text)| SourceFile {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        });
        Sources::new(files.collect())
    }

    /// The files of a spec, read beside another one, are what they are alone.
    fn is_read_alike(before: &Sources, after: &Sources) {
        let mut found = Diagnostics::default();
        let values = Values::default();
        let parsed = parse_beside(before, &values, Before::default(), &mut found);
        assert!(!found.has_errors());
        let known = Before::new(before.clone(), parsed);
        let (mut alone_found, mut beside_found) = Default::default();
        let alone = parse(after, &values, &mut alone_found);
        let beside = parse_beside(after, &values, known, &mut beside_found).files;
        assert_eq!(format!("{alone:?}"), format!("{beside:?}"));
        let told = |found: Diagnostics| format!("{:?}", found.sorted());
        assert_eq!(told(alone_found), told(beside_found));
    }

    #[test]
    fn a_file_is_the_same_by_text_and_position_alone() {
        const A: &str = "weft: v1\nservices: {a: {protocol: http, app: 127.0.0.1:1}}\n";
        const B: &str = "weft: v1\n---\nweft: v1\nroutes: {}\n";
        let before = sources(&[("a.yaml", A), ("b.yaml", B), ("c.yaml", A)]);
        is_read_alike(&before, &before);
        let other = A.replace("a:", "b:");
        is_read_alike(
            &before,
            &sources(&[("a.yaml", A), ("b.yaml", &other), ("c.yaml", A)]),
        );
        // Places name positions, so what stands at another one is read again.
        is_read_alike(
            &before,
            &sources(&[("0.yaml", B), ("a.yaml", A), ("b.yaml", B)]),
        );
        is_read_alike(&before, &sources(&[("c.yaml", A)]));
        is_read_alike(
            &before,
            &sources(&[("a.yaml", "weft: v1\nservices: [\n"), ("b.yaml", B)]),
        );
    }

    /// A spec whose protocol is a text, with the value of `protocol`.
    fn with_value(text: &str, protocol: &str) -> (Sources, Values) {
        let text = format!("weft: v1\nservices: {{a: {{protocol: {text}, app: 127.0.0.1:1}}}}\n");
        let values = SourceFile {
            path: "values.yaml".to_owned(),
            text: format!("protocol: {protocol}\n"),
        };
        let spec = sources(&[("a.yaml", &text)]).with_values(vec![values]);
        let mut found = Diagnostics::default();
        let values = Values::read(&spec, &mut found);
        assert!(!found.has_errors());
        (spec, values)
    }

    #[test]
    fn what_has_expressions_is_read_again() {
        for text in [
            r#""{{ protocol }}""#,
            r#""\x7b\x7b protocol }}""#,
            r#""{\u007b protocol }}""#,
        ] {
            let (before, http) = with_value(text, "http");
            let (after, grpc) = with_value(text, "grpc");
            let mut found = Diagnostics::default();
            let parsed = parse_beside(&before, &http, Before::default(), &mut found);
            let known = Before::new(before.clone(), parsed);
            let beside = parse_beside(&after, &grpc, known, &mut found).files;
            assert!(!found.has_errors());
            assert!(format!("{beside:?}").contains("Grpc"), "{text}: {beside:?}");
        }
    }
}
