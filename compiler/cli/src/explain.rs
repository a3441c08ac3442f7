//! `weft explain`: what a kind of finding, a reason of an answer or a class of changes means.

use anyhow::bail;
use weft_tell::explain;

use super::{Verdict, output};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A code, as it stands in brackets behind `error` or `warning`; a reason, as `x-weft-reason` and the access log give it; or a class
    /// of `weft diff` such as `S1`. All of them when absent.
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let Some(name) = &arguments.name else {
        output::result(&explain::list())?;
        return Ok(Verdict::Clean);
    };
    let subjects = explain::find(name);
    if subjects.is_empty() {
        let what = format!("there is no code, reason or class `{name}`");
        match explain::did_you_mean(name) {
            Some(near) => bail!("{what}; did you mean `{near}`?"),
            None => match explain::with_status(name) {
                reasons if reasons.is_empty() => bail!("{what}; `weft explain` lists all"),
                reasons => bail!(
                    "{what}; reasons with this status are `{}`",
                    reasons.join("`, `")
                ),
            },
        }
    }
    let told = subjects.into_iter().map(explain::explain);
    output::result(&told.collect::<Vec<String>>().join("\n"))?;
    Ok(Verdict::Clean)
}
