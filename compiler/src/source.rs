//! The files of a spec, as texts with paths. Reading them from disk is the command line's work.

use weft_spec::{FileId, Span};

/// One file of a spec.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SourceFile {
    /// The path relative to the root of the spec, with `/` between folders.
    pub path: String,
    /// The text.
    pub text: String,
}

/// All files of a spec, in the order of their paths, whatever order they came in.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Takes files in any order.
    pub fn new(mut files: Vec<SourceFile>) -> Self {
        files.sort_by(|left, right| left.path.cmp(&right.path));
        Self { files }
    }

    /// The files with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0_u32..).map(FileId).zip(&self.files)
    }

    /// The file of this id.
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(usize::try_from(id.0).ok()?)
    }

    /// The text of a span; empty for a span in no file.
    pub fn text(&self, span: Span) -> &str {
        let range = |file: &'_ SourceFile| {
            let (start, end) = (
                usize::try_from(span.start).ok()?,
                usize::try_from(span.end).ok()?,
            );
            Some((start, end.min(file.text.len())))
        };
        self.file(span.file)
            .and_then(|file| range(file).and_then(|(start, end)| file.text.get(start..end)))
            .unwrap_or_default()
    }
}
