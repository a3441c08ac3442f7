//! What a file `.weftignore` says: which files below its folder are no part of a spec.
//!
//! Without a line it means its whole folder. Else each line is a pattern as in `.gitignore`: `*` and `?` stay within a name, `**` is any
//! number of folders, a slash in front or within ties it to the folder of the file, one at its end means folders alone, `!` takes back what
//! an earlier line says, and `#` begins a comment. `[` and `\` are text. Source: gitignore(5), "PATTERN FORMAT".

use std::cell::Cell;
use std::ffi::OsString;
use std::path::Path;

use anyhow::bail;
use weft_front::diagnostic::nearest;

use super::disk::Kind;

/// The most bytes of such a file.
const MAX_BYTES: usize = 64 << 10;

/// The patterns of one file.
#[derive(Debug)]
pub(super) struct Ignore {
    /// The folder of the file, from the root of the tree.
    folder: String,
    /// How a person calls the file.
    shown: String,
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    /// Its line, as it is written.
    line: (usize, String),
    /// Whether it was about anything so far.
    is_used: Cell<bool>,
    segments: Vec<String>,
    is_taken_back: bool,
    is_of_folders: bool,
}

impl Ignore {
    /// Reads the file of a folder; how a person calls it is for what goes wrong.
    ///
    /// # Errors
    ///
    /// When it is too long, or no text.
    pub(super) fn read(folder: &str, bytes: &[u8], shown: &str) -> anyhow::Result<Self> {
        if MAX_BYTES < bytes.len() {
            bail!("`{shown}` has more than {MAX_BYTES} bytes");
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            bail!("`{shown}` is not UTF-8");
        };
        Ok(Self {
            folder: folder.to_owned(),
            shown: shown.to_owned(),
            patterns: (1..).zip(text.lines()).filter_map(Pattern::read).collect(),
        })
    }

    /// How a person calls the file.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// What is wrong with the first line that was about nothing and looks as if it was meant for something; `entries` are those of the folder.
    ///
    /// A line that is about nothing is fine by itself: what a build leaves behind need not be there.
    pub(super) fn misread(&self, entries: &[(OsString, Kind)]) -> Option<String> {
        let unused = self.patterns.iter().filter(|one| !one.is_used.get());
        let mut wrong = unused.filter_map(|one| {
            let (line, written) = &one.line;
            let why = one.misread(entries)?;
            Some(format!("`{}`, line {line}: `{written}` {why}", self.shown))
        });
        wrong.next()
    }

    /// Whether it means all of its folder.
    pub(super) fn is_whole(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether it takes a path out of the spec; nothing when no line is about it. The last line that is decides.
    pub(super) fn takes(&self, path: &str, is_folder: bool) -> Option<bool> {
        let below = if self.folder.is_empty() {
            path
        } else {
            path.strip_prefix(&self.folder)?.strip_prefix('/')?
        };
        let path: Vec<&str> = below.split('/').collect();
        let about = |one: &&Pattern| (is_folder || !one.is_of_folders) && one.matches(&path);
        let last = self.patterns.iter().rev().find(about)?;
        last.is_used.set(true);
        Some(!last.is_taken_back)
    }
}

impl Pattern {
    fn read((number, line): (usize, &str)) -> Option<Self> {
        let line = line.trim_end();
        let written = line.to_owned();
        let (is_taken_back, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (is_of_folders, line) = match line.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        // Without a slash it is about a name, wherever that is.
        let is_tied = line.contains('/');
        let parts = line.trim_start_matches('/').split('/');
        let anywhere = (!is_tied).then_some("**");
        let segments = anywhere.into_iter().chain(parts);
        Some(Self {
            line: (number, written),
            is_used: Cell::new(false),
            segments: segments.map(str::to_owned).collect(),
            is_taken_back,
            is_of_folders,
        })
    }

    /// What a line was meant for that is about nothing.
    fn misread(&self, entries: &[(OsString, Kind)]) -> Option<String> {
        let (_, written) = &self.line;
        if written.contains(": ") || written.ends_with(':') {
            return Some(
                "is no pattern: write one path or pattern a line, and nothing else".to_owned(),
            );
        }
        let is_expression = [".*", "\\", "^", "$", "["]
            .iter()
            .any(|sign| written.contains(sign));
        if is_expression {
            return Some("is no regular expression but a pattern as in `.gitignore`: `*` is any text within a name, `**` any number of folders, and each name has a line of its own".to_owned());
        }
        if self
            .segments
            .iter()
            .any(|one| one != "**" && one.contains("**"))
        {
            return Some("has `**` within a name: between slashes it is any number of folders, and `*` any text within a name".to_owned());
        }
        if Path::new(written).is_absolute() && Path::new(written).exists() {
            return Some("begins at the folder of the file, and not at that of the machine: write the path from there".to_owned());
        }
        let first = self.segments.iter().find(|one| *one != "**")?;
        let names: Vec<&str> = entries
            .iter()
            .filter_map(|(name, _)| name.to_str())
            .collect();
        if names.contains(&first.as_str()) || first.contains(['*', '?']) {
            return None;
        }
        let near = nearest(first, names.iter().copied())?;
        Some(format!("is about nothing; did you mean `{near}`?"))
    }

    /// One column of a table for each segment of the path, so that the work is their product and not more.
    fn matches(&self, path: &[&str]) -> bool {
        let all = self.segments.len();
        // Whether the first so many segments of the pattern take what was read of the path.
        let mut taken = vec![false; all + 1];
        for (at, is_taken) in taken.iter_mut().enumerate() {
            let mut before = self.segments.iter().take(at);
            *is_taken = before.all(|one| one == "**");
        }
        for name in path {
            let mut next = vec![false; all + 1];
            for (at, segment) in self.segments.iter().enumerate() {
                let was = |at: usize| taken.get(at).copied().unwrap_or_default();
                let is = if segment == "**" {
                    was(at + 1) || next.get(at).copied().unwrap_or_default()
                } else {
                    was(at) && is_named(segment, name)
                };
                if let Some(one) = next.get_mut(at + 1) {
                    *one = is;
                }
            }
            taken = next;
        }
        taken.last().copied().unwrap_or_default()
    }
}

/// Whether a name is what a segment with `*` and `?` says: on a mismatch the last `*` takes one symbol more.
fn is_named(segment: &str, name: &str) -> bool {
    let (segment, name): (Vec<char>, Vec<char>) =
        (segment.chars().collect(), name.chars().collect());
    let (mut at, mut read, mut star) = (0, 0, None);
    while read < name.len() {
        match segment.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(symbol) if *symbol == '?' || name.get(read) == Some(symbol) => {
                at += 1;
                read += 1;
            }
            Some(_) | None => {
                let Some((of, from)) = star else {
                    return false;
                };
                star = Some((of, from + 1));
                (at, read) = (of + 1, from + 1);
            }
        }
    }
    segment.iter().skip(at).all(|symbol| *symbol == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(text: &str, path: &str) -> bool {
        let ignore = Ignore::read("", text.as_bytes(), ".weftignore").unwrap();
        let (path, is_folder) = match path.strip_suffix('/') {
            Some(path) => (path, true),
            None => (path, false),
        };
        ignore.takes(path, is_folder).unwrap_or_default()
    }

    #[test]
    fn patterns_are_those_of_gitignore() {
        for (text, path, is_taken) in [
            ("k8s.yaml", "k8s.yaml", true),
            ("k8s.yaml", "a/b/k8s.yaml", true),
            ("/k8s.yaml", "a/k8s.yaml", false),
            ("/k8s.yaml", "k8s.yaml", true),
            ("a/*.yaml", "a/x.yaml", true),
            ("a/*.yaml", "a/b/x.yaml", false),
            ("a/*.yaml", "b/a/x.yaml", false),
            ("a/**/x.yaml", "a/x.yaml", true),
            ("a/**/x.yaml", "a/b/c/x.yaml", true),
            ("**/deploy", "b/deploy/", true),
            ("deploy/", "deploy", false),
            ("deploy/", "b/deploy/", true),
            ("x?.yaml", "x1.yaml", true),
            ("x?.yaml", "x.yaml", false),
            ("*.yaml\n!keep.yaml", "keep.yaml", false),
            ("*.yaml\n!keep.yaml", "other.yaml", true),
            ("!keep.yaml\n*.yaml", "keep.yaml", true),
            ("# a\n\n  ", "a", false),
            ("*a*b*c", "xaxbxbxc", true),
            ("*a*b*c", "xaxcxb", false),
            ("[a].yaml", "a.yaml", false),
        ] {
            assert_eq!(takes(text, path), is_taken, "{text:?} and {path}");
        }
    }

    #[test]
    fn a_file_is_about_what_is_below_its_folder() {
        let ignore = Ignore::read("a", b"/x.yaml", "a/.weftignore").unwrap();
        assert_eq!(ignore.takes("a/x.yaml", false), Some(true));
        assert_eq!(ignore.takes("x.yaml", false), None);
        assert_eq!(ignore.takes("ab/x.yaml", false), None);
        assert!(Ignore::read("", b"# nothing\n", "").unwrap().is_whole());
        assert!(Ignore::read("", b"\xff", "x").is_err());
    }

    #[test]
    fn a_line_about_nothing_says_what_it_was_meant_for() {
        let entries = [
            (OsString::from("services"), Kind::Folder),
            (OsString::from("mesh.yaml"), Kind::File),
        ];
        let said = |text: &str| {
            let ignore = Ignore::read("", text.as_bytes(), ".weftignore").unwrap();
            for (path, is_folder) in [("services", true), ("mesh.yaml", false)] {
                ignore.takes(path, is_folder);
            }
            ignore.misread(&entries).unwrap_or_default()
        };
        for (text, meant) in [
            (
                "service/",
                "line 1: `service/` is about nothing; did you mean `services`?",
            ),
            (
                "# a\nmesh.yml",
                "line 2: `mesh.yml` is about nothing; did you mean `mesh.yaml`?",
            ),
            ("^services/.*$", "no regular expression"),
            ("[ab].yaml", "no regular expression"),
            ("ignore: [x]", "one path or pattern a line"),
            ("a**b/c", "`**` within a name"),
            ("/tmp", "at the folder of the file"),
        ] {
            let said = said(text);
            assert!(said.contains(meant), "{text} {said}");
        }
        for text in ["services/", "dist/", "*.tmp", "**/node_modules"] {
            assert_eq!(said(text), "", "{text}");
        }
    }

    #[test]
    fn hostile_patterns_cost_no_more_than_their_product() {
        let (pattern, name) = ("*a".repeat(10_000) + "b", "a".repeat(10_000));
        assert!(!is_named(&pattern, &name));
        assert!(!takes(&("**/".repeat(10_000) + "x"), &"a/".repeat(1_000)));
    }
}
