//! Which files a spec may name for the command to open: those below its own folder, and below folders that were given.
//!
//! A spec names certificates and snapshots by path. Whoever may change the spec is not whoever may read the machine, so
//! what it names is looked at without its links first, and elsewhere nothing is opened.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::disk::{self, Named};

/// The folders that a spec may name files of.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    folder: PathBuf,
    roots: Vec<PathBuf>,
}

impl Reach {
    /// That of the spec at a path, a folder or a file, and these folders as well.
    pub(super) fn new(spec: &Path, also: &[PathBuf]) -> Self {
        let folder = if spec.is_dir() {
            spec.to_owned()
        } else {
            let parent = spec.parent().unwrap_or(Path::new(""));
            Path::new(".").join(parent)
        };
        let roots = std::iter::once(&folder).chain(also);
        let roots = roots.filter_map(|root| root.canonicalize().ok());
        Self {
            roots: roots.collect(),
            folder,
        }
    }

    /// That of a spec at several paths: the folder of the first is that of the spec.
    pub(super) fn of_all(specs: &[PathBuf], also: &[PathBuf]) -> Self {
        let mut each = specs.iter().map(|spec| Self::new(spec, also));
        let mut all = each
            .next()
            .unwrap_or_else(|| Self::new(Path::new("."), also));
        all.roots.extend(each.flat_map(|one| one.roots));
        all
    }

    /// The folder of the spec.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path without links of what is there, if the spec may name it.
    ///
    /// # Errors
    ///
    /// When nothing is there, or it is elsewhere.
    pub(super) fn path(&self, path: &Path) -> anyhow::Result<PathBuf> {
        let shown = path.display();
        let Ok(real) = path.canonicalize() else {
            anyhow::bail!("there is none at `{shown}`");
        };
        if !self.roots.iter().any(|root| real.starts_with(root)) {
            anyhow::bail!(
                "`{shown}` is outside of the spec, and what a spec names there is not opened; \
                 `--also-read FOLDER` allows it for a folder"
            );
        }
        Ok(real)
    }

    /// The regular file at a path, for reading, if the spec may name it.
    ///
    /// # Errors
    ///
    /// As those of [`Reach::path`], and when it is no regular file.
    pub(super) fn file(&self, path: &Path) -> anyhow::Result<File> {
        match disk::named(&self.path(path)?)? {
            Named::File(file) => Ok(file),
            Named::Folder(_) => anyhow::bail!("`{}` is a folder", path.display()),
        }
    }
}
