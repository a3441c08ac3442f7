//! Pages that show commands, run as they are written.
//!
//! In a block marked `console`, a line `$ COMMAND` is run (further lines of it begin with `> `) and the lines below it are its
//! output, standard error after standard output; a line `...` stands for any lines, and within a line for any text. A command
//! that ends with ` &` goes on: it has a minute to say what the page shows, and is ended with the page; below a line in round
//! brackets, such as `(weft up says)`, stands what the last such command that begins so says next. A block marked
//! with a language and a path, such as `yaml services/cart.yaml`, is a file that is written where it stands.
//!
//! All commands of a page run in order in one shell, in a folder with the repository's examples that they may change, and where
//! that is possible in a network of their own, so that a page may use any port. `weft`, `weft-proxy` and `weft-demo` are those
//! of this build. With `UPDATE=1` what a page shows is replaced where it differs.
#![expect(
    clippy::disallowed_methods,
    reason = "what another process has written is looked at now and then; nothing tells of it"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;

/// From the start of a command to its end, or to what the page shows of one that goes on.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(10);
const PROGRAMS: [&str; 3] = ["weft", "weft-proxy", "weft-demo"];

/// A part of a page that does something.
enum Scene {
    /// A file is written.
    File { path: String, text: String },
    /// A command is run.
    Command {
        line: usize,
        command: String,
        shown: Vec<String>,
    },
}

/// Runs a page of the repository at `root`, with `executable` as every program, and compares what it shows.
///
/// # Errors
///
/// When a command says something else than the page shows, or the page shows no command.
pub fn holds(root: &Path, page: &Path, executable: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(page)?;
    let scenes = scenes(&text).with_context(|| format!("{}", page.display()))?;
    let has_commands = |scene: &Scene| matches!(scene, Scene::Command { .. });
    ensure!(
        scenes.iter().any(has_commands),
        "{} shows no command",
        page.display()
    );
    let mut shell = Shell::start(root, executable)?;
    let is_updated = std::env::var_os("UPDATE").is_some();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // From the end, so that the lines before keep their numbers.
    let mut changes: Vec<(usize, usize, Vec<String>)> = Vec::new();
    for scene in scenes {
        match scene {
            Scene::File { path, text } => shell.write(&path, &text)?,
            Scene::Command {
                line,
                command,
                shown,
            } => {
                let seen = shell.run(&command, &shown)?;
                if !fits(&borrowed(&shown), &borrowed(&seen)) {
                    let place = format!("{}:{line}: $ {command}", page.display());
                    if !is_updated {
                        let (shown, seen) = (shown.join("\n"), seen.join("\n"));
                        bail!("{place}\nexpected:\n{shown}\n\nseen:\n{seen}");
                    }
                    let first = line + command.lines().count() - 1;
                    let indent = lines.get(line - 1).map_or("", |line| {
                        line.get(..line.len() - line.trim_start().len())
                            .unwrap_or_default()
                    });
                    let seen = seen.iter().map(|line| format!("{indent}{line}"));
                    let seen = seen.map(|line| line.trim_end().to_owned()).collect();
                    changes.push((first, shown.len(), seen));
                }
            }
        }
    }
    if !changes.is_empty() {
        for (first, count, seen) in changes.into_iter().rev() {
            lines.splice(first..first + count, seen);
        }
        fs::write(page, lines.join("\n") + "\n")?;
    }
    Ok(())
}

fn scenes(text: &str) -> anyhow::Result<Vec<Scene>> {
    let mut scenes: Vec<Scene> = Vec::new();
    let mut block = Block::None;
    let mut indent = 0;
    for (line, text) in (1..).zip(text.lines()) {
        let fence = text.trim_start();
        if fence.starts_with("```") {
            indent = text.len().saturating_sub(fence.len());
            block = block.after(fence);
            if let Block::File(path) = &block {
                let (path, text) = (path.clone(), String::new());
                scenes.push(Scene::File { path, text });
            }
            continue;
        }
        // A block within a list is indented as a whole.
        let text = text.get(indent..).unwrap_or_default();
        match (&block, scenes.last_mut()) {
            (Block::None | Block::Other, _) => {}
            (Block::File(_), Some(Scene::File { text: file, .. })) => {
                writeln!(file, "{text}")?;
            }
            (Block::Console, Some(Scene::Command { command, shown, .. }))
                if shown.is_empty() && text.starts_with("> ") =>
            {
                writeln!(command)?;
                command.push_str(text.trim_start_matches("> "));
            }
            (Block::Console, _) if text.starts_with('(') && text.ends_with(')') => {
                scenes.push(Scene::Command {
                    line,
                    command: text.to_owned(),
                    shown: Vec::new(),
                });
            }
            (Block::Console, last) => match (text.strip_prefix("$ "), last) {
                (Some(command), _) => scenes.push(Scene::Command {
                    line,
                    command: command.to_owned(),
                    shown: Vec::new(),
                }),
                (None, Some(Scene::Command { shown, .. })) => shown.push(text.to_owned()),
                (None, Some(Scene::File { .. }) | None) => {
                    bail!("line {line} is output without a command");
                }
            },
            (Block::File(_), Some(Scene::Command { .. }) | None) => bail!("line {line}: no file"),
        }
    }
    for scene in &mut scenes {
        if let Scene::Command { shown, .. } = scene {
            while shown.last().is_some_and(|line| line.trim().is_empty()) {
                shown.pop();
            }
        }
    }
    Ok(scenes)
}

enum Block {
    None,
    Console,
    File(String),
    Other,
}

impl Block {
    /// The block that a fence opens, or none where it closes one.
    fn after(self, fence: &str) -> Self {
        if !matches!(self, Self::None) {
            return Self::None;
        }
        let word = fence.trim_start_matches('`');
        match word.split_once(' ') {
            Some((_, path)) => Self::File(path.trim().to_owned()),
            None if word == "console" => Self::Console,
            None => Self::Other,
        }
    }
}

/// A shell in which the commands of a page run.
struct Shell {
    folder: TempDir,
    child: Child,
    input: ChildStdin,
    count: usize,
    /// The commands that go on: each with its output, and how many lines of that the page has shown.
    going_on: Vec<(String, PathBuf, usize)>,
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Commands that go on are jobs of the shell; it asks them to end and waits for them.
        let end = "kill $(jobs -p) 2>/dev/null; wait; exit 0\n";
        let _gone = self.input.write_all(end.as_bytes());
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && began.elapsed() < Duration::from_secs(10)
        {
            std::thread::sleep(LOOK);
        }
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Shell {
    fn start(root: &Path, executable: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let copied = Command::new("cp")
            .arg("-r")
            .arg(root.join("examples"))
            .arg(folder.path())
            .status()?;
        ensure!(copied.success(), "cannot copy the examples");
        let (programs, said) = (folder.path().join("bin"), folder.path().join(".said"));
        fs::create_dir(&programs)?;
        fs::create_dir(&said)?;
        for name in PROGRAMS {
            symlink(executable, programs.join(name))?;
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(programs).chain(std::env::split_paths(&path));
        let is_apart = has_own_network();
        let mut command = Command::new(if is_apart { "unshare" } else { "bash" });
        if is_apart {
            command.args(["--user", "--map-root-user", "--net", "bash"]);
        }
        let mut child = command
            .current_dir(folder.path())
            .env("PATH", std::env::join_paths(paths)?)
            .env_remove("CI")
            // As on a terminal, where lines come when they are printed.
            .env("PYTHONUNBUFFERED", "1")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut input = child.stdin.take().context("no input")?;
        if is_apart {
            input.write_all(b"ip link set lo up\n")?;
        }
        Ok(Self {
            folder,
            child,
            input,
            count: 0,
            going_on: Vec::new(),
        })
    }

    /// Writes a file where the shell is.
    fn write(&mut self, path: &str, text: &str) -> anyhow::Result<()> {
        let here = self.run("pwd", &[])?.concat();
        let path = Path::new(&here).join(path);
        fs::create_dir_all(path.parent().context("a file in a folder")?)?;
        Ok(fs::write(path, text)?)
    }

    /// Runs a command; what it printed.
    fn run(&mut self, command: &str, shown: &[String]) -> anyhow::Result<Vec<String>> {
        if let Some(inside) = command.strip_prefix('(') {
            return self.next(inside.trim_end_matches(" says)"), shown);
        }
        self.count += 1;
        let said = self.folder.path().join(".said");
        let file = |ending: &str| said.join(format!("{}.{ending}", self.count));
        let (output, errors, done) = (file("output"), file("errors"), file("done"));
        if let Some(command) = command.strip_suffix(" &") {
            // Without brackets around it, so that what a page does with the job it does with the program.
            let script = format!("{command} </dev/null >{} 2>&1 &\n", output.display());
            self.input.write_all(script.as_bytes())?;
            self.going_on.push((command.to_owned(), output, 0));
            return self.next(command, shown);
        }
        let script = format!(
            "{{ {command}\n}} </dev/null >{} 2>{}\ntouch {}\n",
            output.display(),
            errors.display(),
            done.display()
        );
        self.input.write_all(script.as_bytes())?;
        let began = Instant::now();
        while !done.exists() {
            ensure!(
                began.elapsed() < PATIENCE,
                "$ {command}\nhas not ended in time; it said:\n{}",
                read(&[&output, &errors]).join("\n")
            );
            std::thread::sleep(LOOK);
        }
        Ok(read(&[&output, &errors]))
    }

    /// What a command that goes on says beyond what was shown already: as soon as it fits, or when time is up.
    fn next(&mut self, name: &str, shown: &[String]) -> anyhow::Result<Vec<String>> {
        let began = Instant::now();
        let mut going_on = self.going_on.iter_mut();
        let named = going_on.rfind(|(command, ..)| command.starts_with(name));
        let (_, output, before) = named.with_context(|| format!("no `{name}` goes on"))?;
        loop {
            let all = read(&[output]);
            let seen = all.get(*before..).unwrap_or_default().to_vec();
            if PATIENCE < began.elapsed() || fits(&borrowed(shown), &borrowed(&seen)) {
                *before = all.len();
                return Ok(seen);
            }
            std::thread::sleep(LOOK);
        }
    }
}

fn read(files: &[&PathBuf]) -> Vec<String> {
    let texts = files.iter().map(|file| fs::read(file).unwrap_or_default());
    let text: Vec<u8> = texts.flatten().collect();
    let text = String::from_utf8_lossy(&text);
    text.trim_end()
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Whether a page can have a network of its own here, with nothing in it but loopback.
fn has_own_network() -> bool {
    let try_it = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--net",
            "ip",
            "link",
            "set",
            "lo",
            "up",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    try_it.is_ok_and(|status| status.success())
}

fn borrowed(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

/// Whether `seen` has these lines; `...` alone on a line stands for any, and within a line for any text.
pub fn fits(expected: &[&str], seen: &[&str]) -> bool {
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
