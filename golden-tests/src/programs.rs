//! Scripts of `tests/peers`, in which programs that others wrote talk to running proxies.
//!
//! A script gets the ports of a mesh in a file, starts servers where the mesh expects them, and prints its figures as
//! one line of JSON. It ends by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::folder::Case;
use crate::stand::{Options, Stand};

/// What a script needs on the machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Need {
    /// A program, and a word to which it answers.
    Program(&'static str, &'static str),
    /// Modules of Python, as in `import`.
    Python(&'static str),
    /// A package of Node.
    Node(&'static str),
}

/// Where the packages of Node are below the home folder, unless `WEFT_NODE_MODULES` says it.
const NODE_MODULES: &str = ".cache/weft-node/node_modules";

/// Whether something is missing, and a test has to be skipped; it says so.
///
/// # Errors
///
/// With `CI=true`, where nothing may be missing.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub fn is_missing(needs: &[Need]) -> anyhow::Result<bool> {
    let Some(need) = needs.iter().find(|need| !need.is_met()) else {
        return Ok(false);
    };
    if std::env::var_os("CI").is_some_and(|value| value == "true") {
        bail!("{need:?} is missing here");
    }
    eprintln!("skipped: {need:?} is missing here");
    Ok(true)
}

impl Need {
    fn is_met(self) -> bool {
        let run = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            let quiet = command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            quiet
                .args(arguments)
                .status()
                .is_ok_and(|status| status.success())
        };
        match self {
            Self::Program(program, word) => run(program, &[word]),
            Self::Python(modules) => run("python3", &["-c", &format!("import {modules}")]),
            Self::Node(package) => run("node", &["-v"]) && node_modules().join(package).is_dir(),
        }
    }
}

fn node_modules() -> PathBuf {
    let home = || Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(NODE_MODULES);
    std::env::var_os("WEFT_NODE_MODULES").map_or_else(home, PathBuf::from)
}

/// A running mesh behind which scripts start their own servers; all of it stops when this is dropped.
#[derive(Debug)]
pub struct Peers {
    stand: Stand,
    description: PathBuf,
    // INVARIANT: dropped after the stand, whose proxies are children of this runtime's process.
    _runtime: Runtime,
}

impl Peers {
    /// Starts the mesh of `cases/peers/honest`, its proxies with further `arguments`.
    ///
    /// # Errors
    ///
    /// When something does not start.
    pub fn start(executable: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let name = "peers/honest".to_owned();
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("cases")
            .join(&name);
        let options = Options {
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
            is_bare: true,
        };
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let case = Case { path, name };
        let stand = runtime.block_on(Stand::start_with(&case, executable, options))?;
        let description = stand.authority_file().with_file_name("stand.json");
        fs::write(&description, stand.describe().to_string())?;
        Ok(Self {
            stand,
            description,
            _runtime: runtime,
        })
    }

    /// Runs a script of `tests/peers` with these words, and gives what it counted.
    ///
    /// # Errors
    ///
    /// When it fails, or says nothing.
    pub fn script(&self, script: &str, words: &[&str]) -> anyhow::Result<Value> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers");
        let output = Command::new("python3")
            .arg(folder.join(script))
            .arg(&self.description)
            .args(words)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("GRPC_VERBOSITY", "NONE")
            .env("WEFT_NODE_MODULES", node_modules())
            .stdin(Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let figures = said
            .lines()
            .rev()
            .find_map(|line| serde_json::from_str(line).ok());
        figures.with_context(|| {
            let error = String::from_utf8_lossy(&output.stderr);
            format!(
                "{script} {words:?}: {}\n{said}\n{error}\n{}",
                output.status,
                self.stand.logs()
            )
        })
    }

    /// What the proxies logged.
    pub fn logs(&self) -> String {
        self.stand.logs()
    }
}

/// Starts a mesh and runs one script against it; nothing where something is missing.
///
/// # Errors
///
/// As those of [`Peers`], and of [`is_missing`].
pub fn figures(
    executable: &str,
    needs: &[Need],
    script: &str,
    words: &[&str],
) -> anyhow::Result<Option<Value>> {
    if is_missing(needs)? {
        return Ok(None);
    }
    let peers = Peers::start(Path::new(executable), &[])?;
    peers.script(script, words).map(Some)
}

/// The number at a JSON pointer such as `/others/ok`; 0 where there is none, as for what was never counted.
pub fn number(figures: &Value, pointer: &str) -> u64 {
    figures
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_default()
}
