//! Reads a spec, from disk or from a revision: its files, and those of values.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use weft_front::diagnostic::{Diagnostic, Diagnostics};
use weft_front::parse::{MAX_FILE_BYTES, Values};
use weft_front::project::PROJECT_FILE;
use weft_front::source::{LeftOut, SourceFile, Sources};

use super::disk::{self, Folder, Kind, Named};
use super::project;
use super::revision::{Found, Revision};
use super::tree::{self, Tree};

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";
/// What a spec from there is called.
pub(super) const INPUT_NAME: &str = "<stdin>";

/// A spec as it was read, with the values for its expressions.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) sources: Sources,
    pub(super) values: Values,
    /// What is wrong with the files of values.
    pub(super) found: Vec<Diagnostic>,
}

impl From<Sources> for Loaded {
    fn from(sources: Sources) -> Self {
        let (values, found) = values(&sources);
        Self {
            sources,
            values,
            found,
        }
    }
}

/// Reads the spec at `path`, a folder or a file, and the files of values.
pub(super) fn spec(path: &Path, values: &[PathBuf]) -> anyhow::Result<Loaded> {
    Ok(sources(path, values)?.into())
}

/// Reads the values among the texts, and says what is wrong with them.
pub(super) fn values(sources: &Sources) -> (Values, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::default();
    let values = Values::read(sources, &mut diagnostics);
    (values, diagnostics.sorted())
}

/// Reads the texts alone.
pub(super) fn sources(path: &Path, values: &[PathBuf]) -> anyhow::Result<Sources> {
    let of_project = project::of_spec(path)?.values_below(path);
    let values = if values.is_empty() {
        &of_project
    } else {
        values
    };
    let read = if path == Path::new(STANDARD_INPUT) {
        standard_input()?
    } else {
        one(path, values)?
    };
    Ok(read.with_values(value_files(values)?))
}

/// Reads what is at several paths as one spec, whose root is the folder that has them all.
pub(super) fn several(paths: &[PathBuf], values: &[PathBuf]) -> anyhow::Result<Loaded> {
    if let [path] = paths {
        return spec(path, values);
    }
    let mut of_project = Vec::new();
    let (mut files, mut left_out) = (BTreeMap::new(), Vec::new());
    for path in paths {
        of_project.extend(project::of_spec(path)?.values_below(path));
        let read = if path == Path::new(STANDARD_INPUT) {
            standard_input()?
        } else {
            one(path, values)?
        };
        for (id, file) in read.iter() {
            files.insert(read.shown_path(id), file.text.clone());
        }
        let shown = |path: &str| read.shown_below_root(path);
        left_out.extend(read.left_out().iter().map(|left| left.at(shown)));
    }
    let values = if values.is_empty() {
        &of_project
    } else {
        values
    };
    let root = common_folder(files.keys());
    let below = |path: &str| path.strip_prefix(&root).unwrap_or(path).to_owned();
    let files = files.iter().map(|(path, text)| SourceFile {
        path: below(path),
        text: text.clone(),
    });
    let sources = Sources::new(files.collect())
        .leaving_out(left_out.iter().map(|left| left.at(below)).collect())
        .shown_below(root.clone())
        .with_values(value_files(values)?);
    Ok(sources.into())
}

/// The folder that has all files, with a slash at its end; empty for that of the command.
fn common_folder<'p>(paths: impl Iterator<Item = &'p String>) -> String {
    let folder = |path: &'p str| {
        path.rfind('/')
            .map_or("", |at| path.get(..=at).unwrap_or(""))
    };
    let common = |one: &'p str, other: &'p str| {
        let parts = one.split_inclusive('/').zip(other.split_inclusive('/'));
        let same = parts.take_while(|(one, other)| one == other);
        let length: usize = same.map(|(one, _)| one.len()).sum();
        one.get(..length).unwrap_or_default()
    };
    let folders = paths.map(|path| folder(path));
    folders.reduce(common).unwrap_or_default().to_owned()
}

fn value_files(values: &[PathBuf]) -> anyhow::Result<Vec<SourceFile>> {
    let value_files = values.iter().map(|path| {
        let named = disk::named(path).with_context(|| no_values(path))?;
        let Named::File(file) = named else {
            bail!("`{}` is a folder, and no file of values", path.display());
        };
        source(shown(path), text(file).with_context(|| reading(path))?)
    });
    value_files.collect()
}

/// Who asked for a file of values that is not there.
fn no_values(path: &Path) -> String {
    format!(
        "no file of values at `{}`, which `--values` or the `values` of `{PROJECT_FILE}` names",
        path.display()
    )
}

fn standard_input() -> anyhow::Result<Sources> {
    let limit = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let mut input = io::stdin().lock().take(limit.saturating_add(1));
    input
        .read_to_end(&mut bytes)
        .context("reading standard input")?;
    Ok(Sources::new(vec![source(INPUT_NAME.to_owned(), bytes)?]))
}

/// What is at one path of the disk, without values.
fn one(path: &Path, values: &[PathBuf]) -> anyhow::Result<Sources> {
    let spec = disk::named(path).with_context(|| format!("no spec at `{}`", path.display()))?;
    match spec {
        Named::File(file) => {
            let text = text(file).with_context(|| reading(path))?;
            let parent = path.parent().map(folder_prefix).unwrap_or_default();
            Ok(Sources::new(vec![source(file_name(path), text)?]).shown_below(parent))
        }
        Named::Folder(folder) => {
            let on_disk = OnDisk::new(folder);
            let below = on_disk.below(values);
            let mut others = below.clone();
            others.extend(project::of_folder(&on_disk)?.map(|_| PROJECT_FILE.to_owned()));
            let found = tree::find(&on_disk, &others)?;
            let texts = found.files.iter().map(|file| on_disk.text(file));
            let texts: Vec<_> = texts.collect();
            let read = found.sources(texts, &path.display().to_string())?;
            Ok(read
                .with_values_at(below.iter().map(String::as_str))
                .shown_below(folder_prefix(path)))
        }
    }
}

/// Reads the spec and the values that a revision has at these paths.
///
/// # Errors
///
/// When it has no such file: the one of the work tree is another one.
pub(super) fn revision(
    revision: &Revision,
    path: &Path,
    values: &[PathBuf],
) -> anyhow::Result<Loaded> {
    let given = revision_values(revision, values)?;
    let root = revision.path(path)?;
    let found = revision.at(&root)?;
    let project = match &found {
        Found::Folder(listing) if project::may_have(listing) => project::of_folder(listing)?,
        Found::Folder(_) | Found::File(_) => None,
    };
    let is_project = project.is_some();
    let (paths, value_files) = if values.is_empty() {
        let values = project.unwrap_or_default().values_below(path);
        revision_values(revision, &values)?
    } else {
        given
    };
    let shown = revision.shown(&root);
    let read = match found {
        Found::File(text) => {
            let name = file_name(Path::new(&root));
            let prefix = shown.strip_suffix(&name).unwrap_or_default().to_owned();
            Sources::new(vec![source(name, text)?]).shown_below(prefix)
        }
        Found::Folder(listing) => {
            let below = paths.iter().filter_map(|path| {
                let below = Path::new(path).strip_prefix(&root).ok()?;
                below.to_str().map(str::to_owned)
            });
            let below: BTreeSet<String> = below.collect();
            let mut others = below.clone();
            others.extend(is_project.then(|| PROJECT_FILE.to_owned()));
            let found = tree::find(&listing, &others)?;
            let texts = listing.contents(&found.files)?;
            let slash = if root.is_empty() { "" } else { "/" };
            found
                .sources(texts.into_iter().map(Ok), &shown)?
                .with_values_at(below.iter().map(String::as_str))
                .shown_below(format!("{shown}{slash}"))
        }
    };
    Ok(read.with_values(value_files).into())
}

/// The files of values that a revision has, with their paths in it.
fn revision_values(
    revision: &Revision,
    values: &[PathBuf],
) -> anyhow::Result<(Vec<String>, Vec<SourceFile>)> {
    let (mut paths, mut files) = (Vec::new(), Vec::new());
    for value in values {
        let path = revision.path(value)?;
        let shown = revision.shown(&path);
        let Found::File(text) = revision.at(&path)? else {
            bail!("`{shown}` is a folder, and no file of values");
        };
        files.push(source(shown, text)?);
        paths.push(path);
    }
    Ok((paths, files))
}

/// Whether a folder holds files of a spec, or what keeps us from telling.
pub(super) fn holds_spec(folder: &Path) -> bool {
    let found = Folder::follow(folder).and_then(|folder| {
        let on_disk = OnDisk::new(folder);
        tree::find(&on_disk, &BTreeSet::new())
    });
    found.map_or(true, |found| !found.files.is_empty())
}

impl tree::SpecFiles {
    /// The files with their texts; those that cannot be read, or are no texts, are left out and said.
    ///
    /// # Errors
    ///
    /// When there is nothing that is called like a file of a spec.
    fn sources(
        mut self,
        texts: impl IntoIterator<Item = io::Result<Vec<u8>>>,
        shown: &str,
    ) -> anyhow::Result<Sources> {
        let mut files = Vec::with_capacity(self.files.len());
        for (path, text) in self.files.into_iter().zip(texts) {
            let text = text.map_err(|error| why_unreadable(&error));
            match text.and_then(as_text) {
                Ok(text) => files.push(SourceFile { path, text }),
                Err(why) => self.left_out.push(LeftOut::Unreadable(path, why)),
            }
        }
        let is_left_out = |left: &LeftOut| !left.leads_elsewhere();
        if files.is_empty() && !self.left_out.iter().any(is_left_out) {
            if let Some(ignore) = self.ignored_by.first() {
                bail!(
                    "every YAML file below `{shown}` is taken out of the spec by `{ignore}`; remove or correct it"
                );
            }
            if self.is_snapshot {
                bail!(
                    "`{shown}` holds a snapshot, which `weft inspect` prints, and no spec: give the folder with the YAML files"
                );
            }
            bail!(
                "no YAML file below `{shown}`: give the folder of the spec, or write a first one by `weft init`"
            );
        }
        Ok(Sources::new(files).leaving_out(self.left_out))
    }
}

/// What the system says, in words of ours where it is about a right.
fn why_unreadable(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::PermissionDenied {
        "nobody gave the right to read it".to_owned()
    } else {
        error.to_string()
    }
}

/// A folder on disk.
pub(super) struct OnDisk {
    root: Folder,
    canonical: Option<PathBuf>,
    /// The folder that was opened last: files come sorted by their paths, so the next one is mostly in it too.
    last: RefCell<Option<(String, Folder)>>,
}

impl OnDisk {
    pub(super) fn new(root: Folder) -> Self {
        let canonical = root.path().canonicalize().ok();
        Self {
            root,
            canonical,
            last: RefCell::new(None),
        }
    }

    /// Those of the files that are below the folder, by their paths from there.
    fn below(&self, files: &[PathBuf]) -> BTreeSet<String> {
        let below = files.iter().filter_map(|file| {
            let file = file.canonicalize().ok()?;
            let below = file.strip_prefix(self.canonical.as_ref()?).ok()?;
            below.to_str().map(str::to_owned)
        });
        below.collect()
    }

    fn folder(&self, path: &str) -> io::Result<Folder> {
        let mut folder = self.root.below(OsStr::new("."))?;
        for name in path.split_terminator('/') {
            folder = folder.below(OsStr::new(name))?;
        }
        Ok(folder)
    }

    fn text(&self, path: &str) -> io::Result<Vec<u8>> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut last = self.last.borrow_mut();
        let opened = match last.take() {
            Some((known, opened)) if known == folder => opened,
            Some(_) | None => self.folder(folder)?,
        };
        let (_, opened) = last.insert((folder.to_owned(), opened));
        text(opened.file(OsStr::new(name))?)
    }
}

impl Tree for OnDisk {
    fn list(&self, folder: &str) -> anyhow::Result<Vec<(OsString, Kind)>> {
        let reading = || format!("reading `{}`", self.shown(folder));
        let opened = self.folder(folder);
        opened
            .and_then(|folder| folder.entries())
            .with_context(reading)
    }

    fn is_in_repository(&self) -> bool {
        let mut above = self.canonical.iter().flat_map(|path| path.ancestors());
        above.any(|folder| folder.join(".git").exists())
    }

    fn read(&self, file: &str) -> anyhow::Result<Vec<u8>> {
        let reading = || format!("reading `{}`", self.shown(file));
        self.text(file).with_context(reading)
    }

    fn leads_nowhere(&self, link: &str) -> bool {
        self.root.path().join(link).metadata().is_err()
    }

    fn shown(&self, path: &str) -> String {
        let joined = self.root.path().join(path);
        joined
            .display()
            .to_string()
            .trim_end_matches('/')
            .to_owned()
    }
}

fn reading(path: &Path) -> String {
    format!("reading `{}`", path.display())
}

/// Reads a file, or one byte more than is allowed of it: the compiler says that it is too long.
fn text(file: File) -> io::Result<Vec<u8>> {
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let limit = u64::try_from(MAX_FILE_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(limit)).unwrap_or_default());
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn source(path: String, bytes: Vec<u8>) -> anyhow::Result<SourceFile> {
    match as_text(bytes) {
        Ok(text) => Ok(SourceFile { path, text }),
        Err(why) => bail!("`{path}`: {why}"),
    }
}

/// The text of a file, or why it is none.
fn as_text(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).or_else(|error| {
        let end = error.utf8_error().valid_up_to();
        let bytes = error.into_bytes();
        if matches!(bytes.as_slice(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
            return Err("it is UTF-16; save it as UTF-8".to_owned());
        }
        // It is too long, and was cut anywhere.
        if MAX_FILE_BYTES < bytes.len() {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        let before = bytes.iter().take(end);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        Err(format!(
            "it is not UTF-8 from byte {end} on, in line {line}"
        ))
    })
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().map(OsStr::to_string_lossy);
    name.unwrap_or_default().into_owned()
}

fn folder_prefix(path: &Path) -> String {
    let shown = shown(path);
    match shown.trim_start_matches("./").trim_end_matches('/') {
        "" | "." if shown.starts_with('/') => "/".to_owned(),
        "" | "." => String::new(),
        folder => format!("{folder}/"),
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
