//! The project file of a spec, on disk or in a revision, and what it spares.

use std::path::{Path, PathBuf};

use anyhow::bail;
use weft_front::project::{OTHER_ENDING, PROJECT_FILE, Project};

use super::disk::{self, Kind, Named};
use super::load::OnDisk;
use super::revision::{Found, Listing, Revision};
use super::tree::Tree;

/// The project file of a spec, found where its folder is.
#[derive(Debug, Default)]
pub(super) struct OfSpec(Project);

/// What the project file of a folder says, if there is one.
///
/// # Errors
///
/// When something in it is wrong, or it has another ending.
pub(super) fn of_folder(tree: &dyn Tree) -> anyhow::Result<Option<OfSpec>> {
    let entries = tree.list("")?;
    let has = |file: &str| {
        let mut entries = entries.iter();
        entries.any(|(name, kind)| name == file && *kind == Kind::File)
    };
    if has(OTHER_ENDING) {
        let text = tree.read(OTHER_ENDING)?;
        // One that is of the spec may have any name.
        if !matches!(Project::read(&String::from_utf8_lossy(&text)), Ok(None)) {
            let shown = tree.shown(OTHER_ENDING);
            bail!("`{shown}` is not read: the project file is called `{PROJECT_FILE}`; rename it");
        }
    }
    if !has(PROJECT_FILE) {
        return Ok(None);
    }
    let text = tree.read(PROJECT_FILE)?;
    let text = String::from_utf8_lossy(&text);
    match Project::read(&text) {
        Ok(project) => Ok(project.map(OfSpec)),
        Err(wrong) => bail!("`{}`, {wrong}", tree.shown(PROJECT_FILE)),
    }
}

/// What the project file of the spec at a path says; that of a single file has none.
///
/// # Errors
///
/// When something in it is wrong. Whether there is a spec is said by whoever reads it.
pub(super) fn of_spec(spec: &Path) -> anyhow::Result<OfSpec> {
    match disk::named(spec) {
        Ok(Named::Folder(folder)) => Ok(of_folder(&OnDisk::new(folder))?.unwrap_or_default()),
        Ok(Named::File(_)) | Err(_) => Ok(OfSpec::default()),
    }
}

/// The same of a spec in a revision.
///
/// # Errors
///
/// As [`of_spec`], and when the revision cannot be read.
pub(super) fn of_revision(revision: &Revision, spec: &Path) -> anyhow::Result<OfSpec> {
    match revision.at(&revision.path(spec)?)? {
        Found::Folder(listing) if may_have(&listing) => {
            Ok(of_folder(&listing)?.unwrap_or_default())
        }
        Found::Folder(_) | Found::File(_) => Ok(OfSpec::default()),
    }
}

/// Whether a folder of a revision has a file that is called like one.
pub(super) fn may_have(listing: &Listing<'_>) -> bool {
    listing.has(PROJECT_FILE) || listing.has(OTHER_ENDING)
}

impl OfSpec {
    /// Its files of values, for a spec at a path.
    pub(super) fn values_below(&self, spec: &Path) -> Vec<PathBuf> {
        self.0.values.iter().map(|file| spec.join(file)).collect()
    }

    /// What is denied beside what a flag denies.
    pub(super) fn deny(&self) -> &[String] {
        &self.0.deny
    }

    /// Where the snapshot is written: what a flag says, else what the file says.
    ///
    /// # Errors
    ///
    /// When neither says anything.
    pub(super) fn dist(&self, spec: &Path, flag: Option<&PathBuf>) -> anyhow::Result<PathBuf> {
        match (flag, &self.0.dist) {
            (Some(dist), _) => Ok(dist.clone()),
            (None, Some(dist)) => Ok(spec.join(dist)),
            (None, None) => bail!(
                "where is the snapshot to be written? Say it by `--output DIST`, or by `dist:` in `{}`",
                spec.join(PROJECT_FILE).display()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::Verdict;
    use crate::tests::{path, started, weft};

    #[test]
    fn another_ending_is_led_to_the_right_one() {
        let folder = started();
        let spec = path(&folder, "spec");
        let file = path(&folder, "spec/weft.yml");
        fs::write(&file, "deny: warnings\n").unwrap();
        for command in ["check", "test"] {
            assert_eq!(
                weft(&[command, &spec]),
                Err(format!(
                    "`{file}` is not read: the project file is called `weft.yaml`; rename it"
                ))
            );
        }
        // It may be a file of the spec as well.
        fs::write(&file, "weft: v1\n").unwrap();
        assert_eq!(weft(&["check", &spec]), Ok(Verdict::Clean));
    }
}
