//! The files of a spec as they are in a git revision, asked of the `git` command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use tempfile::TempDir;

/// A spec of a revision, in a folder that goes away with this value.
#[derive(Debug)]
pub(super) struct Checkout {
    folder: TempDir,
    path: PathBuf,
}

impl Checkout {
    /// Writes the YAML files below `path` as they are in `revision`.
    ///
    /// # Errors
    ///
    /// When this is no repository, there is no such revision or path, or a file cannot be written.
    pub(super) fn new(revision: &str, path: &Path) -> anyhow::Result<Self> {
        Self::within(Path::new("."), revision, path)
    }

    /// [`Checkout::new`] as if started in a folder.
    pub(super) fn within(folder: &Path, revision: &str, path: &Path) -> anyhow::Result<Self> {
        let git = |arguments: &[&str]| git(folder, arguments);
        // Joined to a folder, such a path would lead out of it: to the work tree, which is not the revision.
        if path.components().any(is_climbing) {
            bail!(
                "`{}` must be a path below this folder, without `..`",
                path.display()
            );
        }
        if revision.starts_with('-') {
            bail!("`{revision}` is neither a path nor a revision");
        }
        let verified = git(&[
            "rev-parse",
            "--verify",
            "--quiet",
            &format!("{revision}^{{commit}}"),
        ]);
        if verified.is_err() {
            bail!("`{revision}` is neither a snapshot, a spec nor a git revision");
        }
        let place = path.to_string_lossy();
        let listed = git(&["ls-tree", "-r", "-z", "--name-only", revision, "--", &place])?;
        let listed = String::from_utf8(listed).context("a path in the revision is not UTF-8")?;
        let folder = tempfile::tempdir()?;
        let mut count = 0_usize;
        for name in listed.split('\0').filter(|name| !name.is_empty()) {
            let is_wanted = [".yaml", ".yml", ".weftignore"]
                .iter()
                .any(|end| name.ends_with(end));
            if !is_wanted || Path::new(name).components().any(is_climbing) {
                continue;
            }
            let text = git(&["show", &format!("{revision}:./{name}")])?;
            let target = folder.path().join(name);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(target, text)?;
            count += 1;
        }
        if count == 0 {
            bail!("revision `{revision}` has no YAML file below `{place}`");
        }
        Ok(Self {
            folder,
            path: path.to_owned(),
        })
    }

    /// The folder that stands for the folder that `git` was asked in.
    pub(super) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Where the spec is now.
    pub(super) fn spec(&self) -> PathBuf {
        self.folder.path().join(&self.path)
    }
}

fn is_climbing(part: std::path::Component<'_>) -> bool {
    !matches!(
        part,
        std::path::Component::Normal(_) | std::path::Component::CurDir
    )
}

fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .output()
        .context("running `git`; a revision needs it")?;
    if !output.status.success() {
        bail!(
            "git {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(output.stdout)
}
