//! What README files show on a terminal is what the commands print.
//!
//! In a block marked `console`, a line `$ COMMAND` is run and the lines below it are its output, standard error
//! after standard output; a line `...` stands for any lines. The commands of one file run in order in a copy of
//! the repository's files that they may change: `weft` and `weft-demo` are those of this build, the rest is bash.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

struct Scene {
    line: usize,
    command: String,
    expected: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn scenes(text: &str) -> Vec<Scene> {
    let mut scenes: Vec<Scene> = Vec::new();
    let mut is_console = false;
    for (line, text) in (1..).zip(text.lines()) {
        if text.starts_with("```") {
            is_console = text == "```console";
        } else if is_console {
            match (text.strip_prefix("$ "), scenes.last_mut()) {
                (Some(command), _) => {
                    scenes.push(Scene {
                        line,
                        command: command.to_owned(),
                        expected: String::new(),
                    });
                }
                (None, Some(scene)) => scene.expected.extend([text, "\n"]),
                (None, None) => panic!("line {line} is output without a command"),
            }
        }
    }
    scenes
}

/// Whether `seen` has these lines; `...` alone on a line stands for any, and within a line for any text.
fn fits(expected: &[&str], seen: &[&str]) -> bool {
    match (expected.split_first(), seen.split_first()) {
        (None, _) => seen.is_empty(),
        (Some((&"...", rest)), None) => fits(rest, seen),
        (Some((&"...", rest)), Some((_, later))) => fits(rest, seen) || fits(expected, later),
        (Some(_), None) => false,
        (Some((line, rest)), Some((other, later))) => line_fits(line, other) && fits(rest, later),
    }
}

fn line_fits(expected: &str, seen: &str) -> bool {
    match expected.split_once("...") {
        None => expected.trim_end() == seen.trim_end(),
        Some((head, tail)) => seen.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len())
                .filter_map(|at| rest.get(at..))
                .any(|later| line_fits(tail, later))
        }),
    }
}

/// A folder with the examples and the commands, where transcripts may write.
fn stage() -> tempfile::TempDir {
    let stage = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .arg("-r")
        .arg(root().join("examples"))
        .arg(stage.path())
        .status();
    assert!(copied.unwrap().success());
    fs::create_dir(stage.path().join("bin")).unwrap();
    for name in ["weft", "weft-demo"] {
        symlink(
            env!("CARGO_BIN_EXE_weft-tested"),
            stage.path().join("bin").join(name),
        )
        .unwrap();
    }
    stage
}

fn run(command: &str, stage: &Path) -> String {
    let path = format!(
        "{}:/usr/local/bin:/usr/bin:/bin",
        stage.join("bin").display()
    );
    let output = Command::new("bash")
        .args(["-c", command])
        .current_dir(stage)
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

fn assert_transcripts_hold(file: &Path) {
    let scenes = scenes(&fs::read_to_string(file).unwrap());
    assert!(!scenes.is_empty(), "{} shows no command", file.display());
    let stage = stage();
    for Scene {
        line,
        command,
        expected,
    } in scenes
    {
        let seen = run(&command, stage.path());
        let (wanted, lines): (Vec<&str>, Vec<&str>) = (
            expected.trim_end().lines().collect(),
            seen.trim_end().lines().collect(),
        );
        assert!(
            fits(&wanted, &lines),
            "{}:{line}: $ {command}\nexpected:\n{expected}\nseen:\n{seen}",
            file.display()
        );
    }
}

#[test]
fn the_readme_shows_what_commands_print() {
    assert_transcripts_hold(&root().join("README.md"));
}

#[test]
fn the_examples_show_what_commands_print() {
    let mut count = 0;
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let readme = entry.unwrap().path().join("README.md");
        if readme.exists() {
            assert_transcripts_hold(&readme);
            count += 1;
        }
    }
    assert!(0 < count);
}

#[test]
fn dots_stand_for_lines_and_for_parts_of_lines() {
    assert!(fits(&["a", "...", "d"], &["a", "b", "c", "d"]));
    assert!(fits(&["took ... ms, all"], &["took 12 ms, all"]));
    assert!(!fits(&["a", "..."], &["b"]));
    assert!(!fits(&["a"], &["a", "b"]));
}
