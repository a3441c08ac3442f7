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

/// What lies among the files of a spec and is not read: a revision does not hold it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum LeftOut {
    /// A link, by its path relative to the root of the spec.
    Link(String),
    /// A repository of its own, a submodule for one.
    Repository(String),
}

/// All files of a spec, in the order of their paths, whatever order they came in.
///
/// Files of values stand behind them: they have ids and places too, but are no part of the spec.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sources {
    files: Vec<SourceFile>,
    spec_files: usize,
    left_out: Vec<LeftOut>,
    prefix: String,
}

impl Sources {
    /// Takes files in any order.
    pub fn new(mut files: Vec<SourceFile>) -> Self {
        files.sort_by(|left, right| left.path.cmp(&right.path));
        Self {
            spec_files: files.len(),
            files,
            left_out: Vec::new(),
            prefix: String::new(),
        }
    }

    /// Adds files of values, in the order in which later ones win.
    #[must_use]
    pub fn with_values(mut self, values: Vec<SourceFile>) -> Self {
        self.files.extend(values);
        self
    }

    /// Says what lies among the files and is not read.
    #[must_use]
    pub fn leaving_out(mut self, mut left_out: Vec<LeftOut>) -> Self {
        left_out.sort();
        self.left_out = left_out;
        self
    }

    /// Says what stands in front of the paths of spec files when they are shown (`examples/01-shop/`).
    #[must_use]
    pub fn shown_below(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The files of the spec with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0_u32..).map(FileId).zip(&self.files).take(self.spec_files)
    }

    /// The files of values with their ids.
    pub fn values(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0_u32..).map(FileId).zip(&self.files).skip(self.spec_files)
    }

    /// Puts another text of the same length in the place of a file's.
    pub(crate) fn overwrite(&mut self, id: FileId, text: String) {
        let file = usize::try_from(id.0).ok();
        if let Some(file) = file.and_then(|index| self.files.get_mut(index)) {
            file.text = text;
        }
    }

    /// What lies among the files and is not read.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// A path relative to the root of the spec, as a person may open it.
    pub fn shown_below_root(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// The path of a file as a person may open it; empty for no file.
    pub fn shown_path(&self, id: FileId) -> String {
        let is_spec = usize::try_from(id.0).is_ok_and(|index| index < self.spec_files);
        match self.file(id) {
            Some(file) if is_spec => self.shown_below_root(&file.path),
            Some(file) => file.path.clone(),
            None => String::new(),
        }
    }

    /// The file of this id.
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(usize::try_from(id.0).ok()?)
    }

    /// The line at which a place starts, from 1; none for what no file holds.
    pub fn line(&self, span: Span) -> Option<usize> {
        let file = self.file(span.file)?;
        let start = usize::try_from(span.start).ok()?;
        let before = file.text.bytes().take(start);
        Some(1 + before.filter(|byte| *byte == b'\n').count())
    }

    /// The text of a span; empty for a span in no file.
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file)
            .and_then(|file| {
                let bytes = span.bytes();
                file.text.get(bytes.start..bytes.end.min(file.text.len()))
            })
            .unwrap_or_default()
    }
}
