//! The files of a spec, as texts with paths. Reading them from disk is the command line's work.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use weft_spec::{FileId, Span};

/// One file of a spec.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SourceFile {
    /// The path relative to the root of the spec, with `/` between folders.
    pub path: String,
    /// The text.
    pub text: String,
}

/// What lies among the files of a spec and is not read, by its path relative to the root of the spec.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum LeftOut {
    /// A link: a revision does not hold what it leads to.
    Link(String),
    /// A repository of its own, a submodule for one.
    Repository(String),
    /// What is called like a file of the spec and cannot be read, and why.
    Unreadable(String, String),
    /// A file whose name nearly ends as those of a spec do.
    OddEnding(String),
}

/// Why a link cannot be read that leads to nothing, or in a circle.
pub const NOWHERE: &str = "it is a link that leads to nothing";

impl LeftOut {
    /// Whether a revision holds where it leads and not what is there.
    pub fn leads_elsewhere(&self) -> bool {
        match self {
            Self::Link(_) | Self::Repository(_) => true,
            Self::Unreadable(..) | Self::OddEnding(_) => false,
        }
    }

    /// The same with another path.
    #[must_use]
    pub fn at(&self, path: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Link(old) => Self::Link(path(old)),
            Self::Repository(old) => Self::Repository(path(old)),
            Self::Unreadable(old, why) => Self::Unreadable(path(old), why.clone()),
            Self::OddEnding(old) => Self::OddEnding(path(old)),
        }
    }

    /// What is left out of a file of this name although it seems to be meant: `x.YAML`.
    pub fn of_odd_ending(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let (stem, ending) = name.rsplit_once('.')?;
        let is_near = ["yaml", "yml"]
            .iter()
            .any(|right| ending.eq_ignore_ascii_case(right));
        let is_right = ["yaml", "yml"].contains(&ending);
        (is_near && !is_right && !stem.is_empty()).then(|| Self::OddEnding(path.to_owned()))
    }
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
    value_folders: BTreeSet<String>,
    breaks: Breaks,
}

/// Where the lines of each file end, found out when a line is asked for the first time: whoever asks for thousands of them reads each file
/// once. It follows from the texts, so it makes no difference between sources.
#[derive(Debug, Default)]
struct Breaks(OnceLock<Vec<Vec<usize>>>);

impl Breaks {
    fn of_file(&self, files: &[SourceFile], file: usize) -> Option<&[usize]> {
        let ends = |file: &SourceFile| {
            let ends = file.text.match_indices('\n');
            ends.map(|(offset, _)| offset).collect()
        };
        let all = self.0.get_or_init(|| files.iter().map(ends).collect());
        all.get(file).map(Vec::as_slice)
    }
}

impl Clone for Breaks {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Eq for Breaks {}

impl PartialEq for Breaks {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
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
            value_folders: BTreeSet::new(),
            breaks: Breaks::default(),
        }
    }

    /// Adds files of values, in the order in which later ones win.
    #[must_use]
    pub fn with_values(mut self, values: Vec<SourceFile>) -> Self {
        self.files.extend(values);
        self.breaks = Breaks::default();
        self
    }

    /// Says where files of values lie among those of the spec, by their paths.
    #[must_use]
    pub fn with_values_at<'p>(mut self, paths: impl IntoIterator<Item = &'p str>) -> Self {
        self.value_folders = paths
            .into_iter()
            .map(|path| folder(path).to_owned())
            .collect();
        self
    }

    /// Whether two files lie in one folder.
    pub fn are_beside(&self, one: FileId, other: FileId) -> bool {
        let folder = |id: FileId| self.file(id).map(|file| folder(&file.path));
        folder(one) == folder(other)
    }

    /// Whether a file lies where a file of values does.
    pub fn is_beside_values(&self, id: FileId) -> bool {
        let file = self.file(id);
        file.is_some_and(|file| self.value_folders.contains(folder(&file.path)))
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
        self.breaks = Breaks::default();
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
        let file = usize::try_from(span.file.0).ok()?;
        let start = usize::try_from(span.start).ok()?;
        let breaks = self.breaks.of_file(&self.files, file)?;
        Some(1 + breaks.partition_point(|offset| *offset < start))
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

/// The folder that a path is in.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_counted_from_the_breaks_before_it() {
        let file = |path: &str, text: &str| SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let texts = ["", "\n", "a", "a\nbc\n\nd"];
        let files = texts.iter().enumerate();
        let files = files.map(|(number, text)| file(&number.to_string(), text));
        let sources = Sources::new(files.collect()).with_values(vec![file("v", "x\ny")]);
        for (number, text) in (0_u32..).zip(texts.into_iter().chain(["x\ny"])) {
            for start in 0..=text.len() {
                let before = text.get(..start).unwrap();
                let line = 1 + before.matches('\n').count();
                let start = u32::try_from(start).unwrap();
                let span = Span::new(FileId(number), start, start);
                assert_eq!(sources.line(span), Some(line), "{text:?} at {start}");
            }
        }
        assert_eq!(sources.line(Span::new(FileId(9), 0, 0)), None);
    }

    #[test]
    fn a_large_file_is_read_once_for_all_its_lines() {
        let lines = 200_000_u32;
        let sources = Sources::new(vec![SourceFile {
            path: "large.yaml".to_owned(),
            text: "0123456789012345678\n".repeat(usize::try_from(lines).unwrap()),
        }]);
        // Read anew for each line, these would be 400 GB.
        for line in 0..lines {
            let span = Span::new(FileId(0), line * 20, line * 20);
            let number = usize::try_from(line).unwrap() + 1;
            assert_eq!(sources.line(span), Some(number));
        }
    }
}
