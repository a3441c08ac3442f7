//! Which files of a folder are a spec, wherever the folder is: on disk or in a revision.
//!
//! One walk for both, so that what is checked in a work tree is what its revision will be checked as. A link is no file and a
//! repository in a repository is no folder, because a revision holds neither; both are said. What is called like
//! a file of a spec and cannot be read is said too, and rejects the spec.

use std::collections::BTreeSet;
use std::ffi::OsString;

use anyhow::bail;
use weft_front::source::{LeftOut, NOWHERE};

use super::disk::Kind;
use super::ignore::Ignore;

/// How deeply folders may be nested.
const MAX_DEPTH: usize = 32;
/// The most files of a spec.
const MAX_FILES: usize = 100_000;
/// What says which files below its folder are no part of a spec.
const IGNORE: &str = ".weftignore";
/// Why a pipe, a socket or a device cannot be read.
const SPECIAL: &str = "it is a pipe, a socket or a device, and no file";
/// What a folder with a repository of its own has.
const REPOSITORY: &str = ".git";

/// A folder with everything below it.
pub(super) trait Tree {
    /// What a folder holds, in the order of names; the tree's own folder has the empty path.
    fn list(&self, folder: &str) -> anyhow::Result<Vec<(OsString, Kind)>>;

    /// What a file holds.
    fn read(&self, file: &str) -> anyhow::Result<Vec<u8>>;

    /// Whether a folder with a repository of its own is none of this tree.
    fn is_in_repository(&self) -> bool;

    /// Whether what a link leads to cannot be there. What is outside of a revision nobody knows.
    fn leads_nowhere(&self, link: &str) -> bool;

    /// How a person calls what is at a path.
    fn shown(&self, path: &str) -> String;
}

/// The files of a spec, by their paths in its tree.
#[derive(Debug, Default)]
pub(super) struct SpecFiles {
    pub(super) files: Vec<String>,
    pub(super) left_out: Vec<LeftOut>,
    /// The files `.weftignore` that take YAML files out of the spec.
    pub(super) ignored_by: Vec<String>,
    /// Whether the folder holds a snapshot.
    pub(super) is_snapshot: bool,
}

/// Finds the files of a spec; those of `values`, and what else is named beside them, are none.
///
/// # Errors
///
/// When a folder cannot be listed, or a name cannot be that of a file of a spec.
pub(super) fn find(tree: &dyn Tree, values: &BTreeSet<String>) -> anyhow::Result<SpecFiles> {
    let mut walk = Walk {
        tree,
        values,
        found: SpecFiles::default(),
        ignores: Vec::new(),
    };
    walk.folder("", 0)?;
    Ok(walk.found)
}

/// Whether a file of this name holds a part of a spec.
pub(super) fn is_yaml(name: &str) -> bool {
    let stem = name
        .strip_suffix(".yaml")
        .or_else(|| name.strip_suffix(".yml"));
    stem.is_some_and(|stem| !stem.is_empty())
}

struct Walk<'tree> {
    tree: &'tree dyn Tree,
    values: &'tree BTreeSet<String>,
    found: SpecFiles,
    /// What the files `.weftignore` of this folder and those above say, the nearest last.
    ignores: Vec<Ignore>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &str, depth: usize) -> anyhow::Result<()> {
        if MAX_DEPTH < depth {
            let shown = self.tree.shown(folder);
            bail!("`{shown}` is more than {MAX_DEPTH} folders deep");
        }
        let entries = self.tree.list(folder)?;
        let is_ignored = |(name, kind): &(OsString, Kind)| name == IGNORE && *kind == Kind::File;
        let above = self.ignores.len();
        if entries.iter().any(is_ignored) {
            let path = self.path(folder, &IGNORE.into())?;
            let read = self.tree.read(&path)?;
            let ignore = Ignore::read(folder, &read, &self.tree.shown(&path))?;
            if ignore.is_whole() {
                self.found.ignored_by.push(self.tree.shown(&path));
                return Ok(());
            }
            self.ignores.push(ignore);
        }
        let has = |file: &str| entries.iter().any(|(name, _)| name == file);
        self.found.is_snapshot |= folder.is_empty() && has("index.json") && has("oci-layout");
        self.entries((folder, depth), &entries)?;
        let own = self
            .ignores
            .get(above)
            .and_then(|ignore| ignore.misread(&entries));
        if let Some(wrong) = own {
            bail!("{wrong}");
        }
        self.ignores.truncate(above);
        Ok(())
    }

    /// Whether a file or folder is taken out of the spec; the nearest file that speaks of it decides.
    fn is_ignored(&self, path: &str, kind: Kind) -> bool {
        let is_folder = matches!(kind, Kind::Folder | Kind::Repository);
        let mut said = self.ignores.iter().rev();
        let said = said.find_map(|ignore| ignore.takes(path, is_folder));
        said.unwrap_or_default()
    }

    fn entries(
        &mut self,
        (folder, depth): (&str, usize),
        entries: &[(OsString, Kind)],
    ) -> anyhow::Result<()> {
        let is_repository = entries.iter().any(|(name, _)| name == REPOSITORY);
        if is_repository && !folder.is_empty() && self.tree.is_in_repository() {
            self.found
                .left_out
                .push(LeftOut::Repository(folder.to_owned()));
            return Ok(());
        }
        for (name, kind) in entries {
            let path = self.path(folder, name)?;
            if self.is_ignored(&path, *kind) {
                let nearest = self.ignores.last().map(|ignore| ignore.shown().to_owned());
                self.found.ignored_by.extend(nearest);
                continue;
            }
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            match kind {
                Kind::Link if !is_hidden && is_yaml(&path) && self.tree.leads_nowhere(&path) => {
                    self.unreadable(path, NOWHERE);
                }
                Kind::Link if !is_hidden || name == IGNORE => {
                    self.found.left_out.push(LeftOut::Link(path));
                }
                Kind::Repository if !is_hidden => {
                    self.found.left_out.push(LeftOut::Repository(path));
                }
                Kind::Folder if !is_hidden => self.folder(&path, depth.saturating_add(1))?,
                Kind::Special if !is_hidden && is_yaml(&path) => self.unreadable(path, SPECIAL),
                Kind::File if !is_hidden && is_yaml(&path) => self.file(path)?,
                Kind::File if !is_hidden => {
                    self.found.left_out.extend(LeftOut::of_odd_ending(&path));
                }
                Kind::Folder | Kind::File | Kind::Link | Kind::Repository | Kind::Special => {}
            }
        }
        Ok(())
    }

    fn unreadable(&mut self, path: String, why: &str) {
        let left = LeftOut::Unreadable(path, why.to_owned());
        self.found.left_out.push(left);
    }

    fn file(&mut self, path: String) -> anyhow::Result<()> {
        if self.values.contains(&path) {
            return Ok(());
        }
        if MAX_FILES <= self.found.files.len() {
            bail!("the spec has more than {MAX_FILES} files");
        }
        self.found.files.push(path);
        Ok(())
    }

    fn path(&self, folder: &str, name: &OsString) -> anyhow::Result<String> {
        let shown = name.to_string_lossy().escape_debug().to_string();
        let below = self.tree.shown(folder);
        let Some(name) = name.to_str() else {
            bail!("`{shown}` below `{below}` is not a name in UTF-8");
        };
        // It would stand in findings, where a line break or an escape sequence is not what it says.
        if name.contains(char::is_control) {
            bail!("`{shown}` below `{below}` has control characters in its name; rename it");
        }
        Ok(if folder.is_empty() {
            name.to_owned()
        } else {
            format!("{folder}/{name}")
        })
    }
}
