//! Reads a spec from disk: which files belong to it, and their texts.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::parse::{MAX_FILE_BYTES, Values};
use crate::source::{SourceFile, Sources};

/// How deeply folders may be nested.
const MAX_DEPTH: usize = 32;
/// The most files of a spec.
const MAX_FILES: usize = 100_000;
/// A folder with a file of this name is no part of a spec.
const IGNORE: &str = ".weftignore";

/// A spec as it was read, with the values for its expressions.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) sources: Sources,
    pub(super) values: Values,
    /// What is wrong with the files of values.
    pub(super) found: Vec<Diagnostic>,
}

/// Reads the spec at `path`, a folder or a file, and the files of values.
pub(super) fn spec(path: &Path, values: &[PathBuf]) -> anyhow::Result<Loaded> {
    let sources = sources(path, values)?;
    let (values, found) = self::values(&sources);
    Ok(Loaded {
        sources,
        values,
        found,
    })
}

/// Reads the values among the texts, and says what is wrong with them.
pub(super) fn values(sources: &Sources) -> (Values, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::default();
    let values = Values::read(sources, &mut diagnostics);
    (values, diagnostics.sorted())
}

/// Reads the texts alone.
pub(super) fn sources(path: &Path, values: &[PathBuf]) -> anyhow::Result<Sources> {
    let value_files = values.iter().map(|path| {
        Ok(SourceFile {
            path: shown(path),
            text: text(path)?,
        })
    });
    let value_files = value_files.collect::<anyhow::Result<Vec<_>>>()?;
    let metadata =
        fs::metadata(path).with_context(|| format!("no spec at `{}`", path.display()))?;
    let (files, prefix) = if metadata.is_dir() {
        let mut walk = Walk {
            excluded: values
                .iter()
                .filter_map(|path| path.canonicalize().ok())
                .collect(),
            seen: BTreeSet::new(),
            files: Vec::new(),
        };
        walk.folder(path, "", 0)?;
        if walk.files.is_empty() {
            bail!("no YAML file below `{}`", path.display());
        }
        (walk.files, folder_prefix(path))
    } else {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let file = SourceFile {
            path: name.unwrap_or_default(),
            text: text(path)?,
        };
        (
            vec![file],
            path.parent().map(folder_prefix).unwrap_or_default(),
        )
    };
    Ok(Sources::new(files)
        .with_values(value_files)
        .shown_below(prefix))
}

struct Walk {
    excluded: BTreeSet<PathBuf>,
    seen: BTreeSet<PathBuf>,
    files: Vec<SourceFile>,
}

impl Walk {
    /// Reads a folder once, however many links lead to it.
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> anyhow::Result<()> {
        let real = folder
            .canonicalize()
            .with_context(|| format!("reading `{}`", folder.display()))?;
        if !self.seen.insert(real) || folder.join(IGNORE).exists() {
            return Ok(());
        }
        if MAX_DEPTH < depth {
            bail!(
                "`{}` is more than {MAX_DEPTH} folders deep",
                folder.display()
            );
        }
        let reading = || format!("reading `{}`", folder.display());
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).with_context(reading)? {
            names.push(entry.with_context(reading)?.file_name());
        }
        names.sort();
        for name in names {
            let Some(name) = name.to_str() else {
                bail!("`{}` is not a name in UTF-8", folder.join(&name).display());
            };
            if !name.starts_with('.') {
                self.entry(&folder.join(name), &format!("{prefix}{name}"), depth)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, relative: &str, depth: usize) -> anyhow::Result<()> {
        let Ok(metadata) = fs::metadata(path) else {
            // A link to nothing, or a file that has just gone: there is nothing to read.
            return Ok(());
        };
        if metadata.is_dir() {
            return self.folder(path, &format!("{relative}/"), depth.saturating_add(1));
        }
        let is_yaml = path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        if !metadata.is_file() || !is_yaml || self.is_excluded(path) {
            return Ok(());
        }
        if MAX_FILES <= self.files.len() {
            bail!("the spec has more than {MAX_FILES} files");
        }
        self.files.push(SourceFile {
            path: relative.to_owned(),
            text: text(path)?,
        });
        Ok(())
    }

    fn is_excluded(&self, path: &Path) -> bool {
        !self.excluded.is_empty()
            && path
                .canonicalize()
                .is_ok_and(|real| self.excluded.contains(&real))
    }
}

/// Reads a file, or one byte more than is allowed of it: the compiler says that it is too long.
fn text(path: &Path) -> anyhow::Result<String> {
    let reading = || format!("reading `{}`", path.display());
    let file = File::open(path).with_context(reading)?;
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let limit = u64::try_from(MAX_FILE_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(limit)).unwrap_or_default());
    file.take(limit)
        .read_to_end(&mut bytes)
        .with_context(reading)?;
    if MAX_FILE_BYTES < bytes.len() {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            bail!("`{}` is not UTF-8 from byte {at} on", path.display())
        }
    }
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
