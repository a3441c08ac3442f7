//! Which bytes a side was made from: whoever doubts a verdict can tell whether it is about what was meant.

use serde::Serialize;
use weft_front::source::Sources;
use weft_snapshot::layout::Digest;

/// So many digits of a digest or a commit are shown to people.
const DIGITS: usize = 12;

/// The files of a spec that a side was compiled from.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inputs {
    /// The commit, where the side is a revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    /// The number of files of the spec.
    files: usize,
    /// What `sha256sum` says of those files, sorted by their paths from the root of the spec, put through `sha256sum` itself.
    digest: String,
    /// The files of values, the stronger ones last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<ValueFile>,
    /// How many links and repositories lay among the files and were not read.
    #[serde(skip_serializing_if = "is_zero")]
    left_out: usize,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ValueFile {
    file: String,
    digest: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Inputs {
    /// What was read, and the commit that it was read from.
    pub fn of(sources: &Sources, commit: Option<String>) -> Self {
        let mut lines = String::new();
        for (_, file) in sources.iter() {
            let digest = Digest::of(file.text.as_bytes()).hex();
            lines.extend([digest.as_str(), "  ", file.path.as_str(), "\n"]);
        }
        let values = sources.values().map(|(id, file)| ValueFile {
            file: sources.shown_path(id),
            digest: Digest::of(file.text.as_bytes()).to_string(),
        });
        let left_out = sources.left_out().iter();
        Self {
            commit,
            files: sources.iter().count(),
            digest: Digest::of(lines.as_bytes()).to_string(),
            values: values.collect(),
            left_out: left_out.filter(|one| one.leads_elsewhere()).count(),
        }
    }

    /// All of it in a line.
    pub(super) fn words(&self) -> String {
        let Self {
            commit,
            files,
            digest,
            values,
            left_out,
        } = self;
        let commit = commit.as_ref();
        let commit = commit.map(|commit| format!("commit {}, ", short(commit)));
        let plural = if *files == 1 { "" } else { "s" };
        let mut text = format!(
            "{}{files} file{plural} {}",
            commit.unwrap_or_default(),
            short(digest)
        );
        for value in values {
            text = format!("{text}, values {} {}", value.file, short(&value.digest));
        }
        match left_out {
            0 => text,
            1 => format!("{text}, 1 link not read"),
            count => format!("{text}, {count} links not read"),
        }
    }
}

/// The beginning of a digest or commit.
pub(super) fn short(digest: &str) -> String {
    let (kind, digits) = digest.split_at(digest.find(':').map_or(0, |at| at.saturating_add(1)));
    let digits: String = digits.chars().take(DIGITS).collect();
    format!("{kind}{digits}")
}
