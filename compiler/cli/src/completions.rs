//! `weft completions`: the completions of a shell.

use clap_complete::Shell;

use super::{Verdict, definition, output};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut definition(), "weft", &mut script);
    output::result(&String::from_utf8_lossy(&script))?;
    Ok(Verdict::Clean)
}
