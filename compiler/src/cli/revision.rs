//! The files of a spec as they are in a git revision, asked of the `git` command.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

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
        let git = |arguments: &[&str]| git(folder, arguments, String::new());
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
        let names: Vec<&str> = listed.split('\0').filter(|name| is_wanted(name)).collect();
        let texts = texts(folder, revision, &names)?;
        let folder = tempfile::tempdir()?;
        for (name, text) in names.iter().zip(&texts) {
            let target = folder.path().join(name);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(target, text)?;
        }
        if names.is_empty() {
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

/// Whether a file may belong to a spec. A name with a line break could not be asked for.
fn is_wanted(name: &str) -> bool {
    let ends = [".yaml", ".yml", ".weftignore"];
    ends.iter().any(|end| name.ends_with(end))
        && !name.contains('\n')
        && !Path::new(name).components().any(is_climbing)
}

/// The contents of files in a revision, in the order of their names, asked for at once.
///
/// Source: git-cat-file(1), "BATCH OUTPUT": `<object> blob <size>`, the content, and a line break for each.
fn texts(folder: &Path, revision: &str, names: &[&str]) -> anyhow::Result<Vec<Vec<u8>>> {
    let asked = names.iter().map(|name| format!("{revision}:./{name}\n"));
    let answer = git(folder, &["cat-file", "--batch"], asked.collect())?;
    let mut rest = answer.as_slice();
    let mut texts = Vec::with_capacity(names.len());
    for name in names {
        let broken = || format!("`git cat-file` says nothing of `{name}`");
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (head, after) = rest
            .split_at_checked(end.with_context(broken)?)
            .with_context(broken)?;
        let head = String::from_utf8_lossy(head);
        let size = head.rsplit(' ').next().and_then(|size| size.parse().ok());
        let size: usize = size.with_context(|| format!("`{name}` in `{revision}`: {head}"))?;
        let content = after.get(1..).unwrap_or_default();
        let (text, next) = content.split_at_checked(size).with_context(broken)?;
        texts.push(text.to_vec());
        rest = next.get(1..).unwrap_or_default();
    }
    Ok(texts)
}

/// What `git` prints when it is given `input`.
fn git(folder: &Path, arguments: &[&str], input: String) -> anyhow::Result<Vec<u8>> {
    let mut child = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("running `git`; a revision needs it")?;
    let stdin = child.stdin.take();
    // It may answer before it has read all, so both happen at once.
    let writer = thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().context("running `git`")?;
    // A reader that went away says why on its own.
    let _written = writer.join();
    if !output.status.success() {
        bail!(
            "git {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(output.stdout)
}
