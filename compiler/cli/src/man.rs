//! `weft man`: the manual page, of the whole or of one command.

use anyhow::bail;

use super::{Verdict, definition, output};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The command; the page of `weft` itself when absent.
    command: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let mut command = definition();
    command.build();
    if let Some(name) = &arguments.command {
        let Some(found) = command.find_subcommand(name) else {
            bail!("there is no command `{name}`");
        };
        command = found.clone();
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    output::result(&String::from_utf8_lossy(&page))?;
    Ok(Verdict::Clean)
}
