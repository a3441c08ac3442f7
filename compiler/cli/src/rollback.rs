//! `weft rollback`: publishes older content under a newer generation.
//!
//! Proxies take no older generation, so that a late copy never replaces what is newer. Going back is a new snapshot that holds what an
//! older one held: the same slices, with a number that every proxy takes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use weft_back::emit::Emitted;
use weft_snapshot::layout::{Bundle, Which};
use weft_snapshot::limits;
use weft_tell::why::Snapshot;

use super::build::Keep;
use super::progress::Shown;
use super::published::{Shows, show};
use super::store::Target;
use super::stored::Place;
use super::{Context, Verdict, numbers, store, stored};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder of snapshots, as `weft build` has written it; or `DIST:TAG`, whose content is published again.
    dist: PathBuf,
    /// The generation whose content is published again, instead of a tag; `weft inspect DIST` lists those that are there.
    #[arg(long, value_name = "N", value_parser = numbers::from_one, allow_negative_numbers = true)]
    to: Option<u64>,
    /// The number of the new snapshot; the greatest that was in DIST plus one, by default.
    #[arg(long, value_name = "N", value_parser = numbers::from_one, allow_negative_numbers = true)]
    generation: Option<u64>,
    #[command(flatten)]
    keep: Keep,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let place = Place::named(&arguments.dist);
    let dist = place.dist();
    let which = match (arguments.to, place.which()) {
        (Some(number), Which::Newest) => Which::Generation(number),
        (None, which @ Which::Tag(_)) => which,
        (Some(_), _) => bail!("a tag and `--to` both say what is published again; leave one out"),
        (None, _) => bail!(
            "what is to be published again? Say it by `--to N`, or by a tag as in `{}:TAG`",
            dist.display()
        ),
    };
    let Some(found) = stored::read_which(dist, which)? else {
        return Err(stored::none(dist));
    };
    let to = found.generation;
    // Proxies would refuse one that is not whole, and go on with what is to be replaced.
    let not_whole = || format!("generation {to} is not whole, and is not published again");
    let blob = |digest: &_| stored::unverified(dist, *digest, limits::SLICE_BYTES).ok();
    Snapshot::read(&found.manifest, blob).with_context(not_whole)?;
    let origins = found.manifest.origins.digest;
    let origins = stored::blob(dist, origins, limits::ORIGINS_BYTES).with_context(not_whole)?;
    let nodes = found.manifest.nodes;
    let emitted = Emitted {
        bundle: Bundle::beside(&found.manifest.mesh, Vec::new(), nodes, origins),
        plans: BTreeMap::new(),
    };
    let target = Target {
        dist,
        generation: arguments.generation,
        keep: arguments.keep.count(),
    };
    let shown = Shown::of(context);
    let published = store::publish(target, &emitted, &shown.progress())?;
    drop(shown);
    let published = published.with_context(not_whole)?;
    show(context, dist, &published, Shows::ContentOf(to))?;
    Ok(Verdict::Clean)
}
