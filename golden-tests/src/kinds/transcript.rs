//! `why`, `test`, `callers` and `witness`: what a person reads on a terminal, to the letter.
//!
//! The kind is the command. Each line of `asks.txt` holds arguments as a shell takes them; `expected.txt` is the
//! transcript: the command, what it printed, and how it ended where that is not with 0. Commands run in a copy of
//! the case. A spec in its folder `before` is built into `dist` first, for whoever compares with a snapshot.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, bail};

use crate::expectation;
use crate::folder::{self, Case};

/// The folder with the spec of an earlier snapshot; no part of the spec of the case.
const BEFORE: &str = "before";
const ASKS: &str = "asks.txt";
const EXPECTED: &str = "expected.txt";

/// Asks every line, and compares the transcript.
pub(super) fn run(case: &Case, executable: &Path) -> anyhow::Result<()> {
    let (command, _) = case.name.split_once('/').context("a case has a kind")?;
    let folder = tempfile::tempdir()?;
    let (home, before) = (folder.path().join("case"), folder.path().join(BEFORE));
    folder::copy(&case.path, &home)?;
    symlink(executable, folder.path().join("weft"))?;
    if home.join(BEFORE).is_dir() {
        std::fs::rename(home.join(BEFORE), &before)?;
        let built = weft(folder.path(), "build ../before --generation 1 -o dist")?;
        if !built.status.success() {
            bail!("`before` is rejected\n{}", said(&built));
        }
    }
    let mut transcript = String::new();
    for ask in case.text(ASKS)?.lines() {
        if ask.is_empty() || ask.starts_with('#') {
            writeln!(transcript, "{ask}")?;
            continue;
        }
        let words = format!("{command} {ask}");
        let output = weft(folder.path(), &words)?;
        let end = match output.status.code() {
            Some(0) => String::new(),
            Some(code) => format!("= {code}\n"),
            None => format!("= {}\n", output.status),
        };
        write!(transcript, "$ weft {words}\n{}{end}", said(&output))?;
    }
    expectation::is_as_in(&case.path.join(EXPECTED), &transcript)
}

/// Runs `weft WORDS` in the copy of the case, with nothing of the surroundings but where to find it.
fn weft(folder: &Path, words: &str) -> anyhow::Result<Output> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    Command::new("bash")
        .args([OsStr::new("-c"), OsStr::new(&format!("weft {words} 2>&1"))])
        .current_dir(folder.join("case"))
        .env_clear()
        .env("PATH", std::env::join_paths(paths)?)
        .stdin(Stdio::null())
        .output()
        .context("running bash")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
