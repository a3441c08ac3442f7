//! `weft schema`: the JSON Schema of a spec file, or of a project file.

use weft_front::project_schema;
use weft_spec::schema;

use super::{Verdict, output};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print it in draft-07, which editors read best, instead of 2020-12.
    #[arg(long)]
    draft_07: bool,
    /// Print that of the project file, `weft.yaml`, instead of that of a file of the spec.
    #[arg(long)]
    project: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let schema = match (arguments.project, arguments.draft_07) {
        (false, true) => schema::draft07(),
        (false, false) => schema::draft2020(),
        (true, true) => project_schema::draft07(),
        (true, false) => project_schema::draft2020(),
    };
    output::result(&schema::pretty(&schema))?;
    Ok(Verdict::Clean)
}
