//! What a question is about: a spec, which stands as the argument, or a snapshot instead.

use std::path::{Path, PathBuf};

/// The arguments of commands that answer for a spec or for a snapshot.
#[derive(Debug, clap::Args)]
pub(super) struct Subject {
    /// The spec: a folder or a file; `.` by default.
    #[arg(conflicts_with = "snapshot")]
    spec: Option<PathBuf>,
    /// The same as the argument.
    #[arg(long = "spec", value_name = "SPEC", hide = true, conflicts_with_all = ["snapshot", "spec"])]
    spec_flag: Option<PathBuf>,
    /// A snapshot instead of a spec.
    #[arg(long, value_name = "DIST")]
    pub(super) snapshot: Option<PathBuf>,
}

impl Subject {
    /// The spec, unless a snapshot is asked.
    pub(super) fn spec(&self) -> &Path {
        let said = self.spec.as_ref().or(self.spec_flag.as_ref());
        said.map_or(Path::new("."), PathBuf::as_path)
    }
}
