//! `weft explain`: what a kind of finding means.

use anyhow::bail;

use crate::explain;

use super::{Verdict, output};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The code, as it stands in brackets behind `error` or `warning`; all of them when absent.
    code: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let Some(name) = &arguments.code else {
        output::result(&explain::list())?;
        return Ok(Verdict::Clean);
    };
    let Some(code) = explain::find(name) else {
        match explain::did_you_mean(name) {
            Some(near) => bail!("there is no code `{name}`; did you mean `{near}`?"),
            None => bail!("there is no code `{name}`; `weft explain` lists all"),
        }
    };
    output::result(&explain::explain(code))?;
    Ok(Verdict::Clean)
}
