//! Case folders: where they are, and the spec in them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use weft_examples::publish::Spec;

/// The folder with the changes of a reload case; no part of the spec that a case starts with.
pub const CHANGES: &str = "changes";
/// The day on which a case is checked, if it has one: `2026-11-26`.
pub const NOW: &str = "now.txt";
/// The values of a case.
pub const VALUES: &str = "values.yaml";

/// A case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Where it is.
    pub path: PathBuf,
    /// Its name, `kind/case`.
    pub name: String,
}

impl Case {
    /// All cases of a kind, in the order of their names.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn all(kind: &str) -> anyhow::Result<Vec<Self>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("cases")
            .join(kind);
        let entries = fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))?;
        let mut cases = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if let (true, Some(name)) = (path.is_dir(), path.file_name()) {
                let name = format!("{kind}/{}", name.to_string_lossy());
                cases.push(Self { path, name });
            }
        }
        cases.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(cases)
    }

    /// The text of one of its files.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn text(&self, file: &str) -> anyhow::Result<String> {
        let path = self.path.join(file);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Its spec, with its `values.yaml` and the day in its `now.txt` if there are such.
    pub fn spec(&self) -> Spec {
        let mut spec = Spec::new(&self.path);
        if let Ok(values) = self.text(VALUES) {
            spec.values.push((VALUES.to_owned(), values));
        }
        if let Ok(now) = self.text(NOW) {
            spec.now = Some(now.trim().to_owned());
        }
        spec
    }
}

/// Copies every file below `from` to the same place below `to`, except what is in [`CHANGES`].
///
/// # Errors
///
/// When a file cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("no folder {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if entry.file_name() != CHANGES {
                copy(&entry.path(), &target)?;
            }
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The names that follow `ports.` in the files below `folder`: each wants a free port.
///
/// # Errors
///
/// When a file cannot be read.
pub fn port_names(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            names.append(&mut port_names(&path)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            let text = fs::read_to_string(&path)?;
            for after in text.split("ports.").skip(1) {
                let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
                names.insert(
                    after
                        .chars()
                        .take_while(|letter| is_part(*letter))
                        .collect(),
                );
            }
        }
    }
    Ok(names)
}
