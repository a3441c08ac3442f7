//! `weft schema`: the JSON Schema of a spec file.

use weft_spec::schema;

use super::{Verdict, output};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print it in draft-07, which editors read best, instead of 2020-12.
    #[arg(long)]
    draft_07: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let schema = if arguments.draft_07 {
        schema::draft07()
    } else {
        schema::draft2020()
    };
    output::result(&schema::pretty(&schema))?;
    Ok(Verdict::Clean)
}
