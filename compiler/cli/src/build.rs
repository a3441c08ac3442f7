//! `weft build`: from a spec to a snapshot.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use weft_back::emit::{Emitted, Proved};
use weft_front::Surroundings;
use weft_front::diagnostic::{Diagnostic, Severity};
use weft_spec::units::Date;

use super::deny::Deny;
use super::load::{self, Loaded};
use super::progress::Shown;
use super::published::{Shows, show};
use super::revision::Revision;
use super::store::{self, Published, Target};
use super::{Context, Verdict, numbers, output, project, same};

/// So many generations are kept when nothing is said.
const GENERATIONS: u16 = 10;
/// The most that may be kept: proxies look at the manifests of all of them.
const MOST_GENERATIONS: i64 = 100;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The spec: a folder or a file.
    #[arg(default_value = ".")]
    spec: PathBuf,
    /// Where the snapshot is written, as an OCI image layout; what `weft.yaml` says, by default.
    #[arg(short, long, value_name = "DIST")]
    output: Option<PathBuf>,
    /// The number of this snapshot; the greatest that was in DIST plus one when something changed, by default. It may not be less.
    #[arg(long, value_name = "N", value_parser = numbers::from_one, allow_negative_numbers = true)]
    generation: Option<u64>,
    /// Build the spec, and the files of values, as they are in a git revision; nothing of the work tree is read.
    #[arg(long, value_name = "REV")]
    from: Option<String>,
    #[command(flatten)]
    keep: Keep,
    /// The day on which the spec is checked, in UTC; today by default. The snapshot does not depend on it.
    #[arg(long, value_name = "DATE")]
    now: Option<Date>,
    /// Warnings that reject the spec: a code, or `warnings` for all; may be given several times.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    deny: Vec<String>,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let revision = arguments.from.as_deref().map(Revision::named).transpose()?;
    let loaded = match &revision {
        Some(revision) => load::revision(revision, &arguments.spec, &context.values)?,
        None => load::spec(&arguments.spec, &context.values)?,
    };
    let project = match &revision {
        Some(revision) => project::of_revision(revision, &arguments.spec)?,
        None => project::of_spec(&arguments.spec)?,
    };
    let task = Task {
        spec: &arguments.spec,
        target: Target {
            dist: &project.dist(&arguments.spec, arguments.output.as_ref())?,
            generation: arguments.generation,
            keep: arguments.keep.count(),
        },
        today: arguments.now,
        revision: revision.as_ref(),
        deny: Deny::of(arguments.deny.iter().chain(project.deny()))?,
    };
    let (verdict, _) = task.run(context, &loaded)?;
    Ok(verdict)
}

/// What is built of a spec, and where to.
pub(super) struct Task<'run> {
    pub(super) spec: &'run Path,
    pub(super) target: Target<'run>,
    pub(super) today: Option<Date>,
    /// Where the spec comes from, if not from the work tree.
    pub(super) revision: Option<&'run Revision>,
    pub(super) deny: Deny,
}

/// How many generations are kept.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Keep {
    /// How many generations DIST holds, the new one among them; those before it have tags as `generation-7`.
    #[arg(long, value_name = "N", default_value_t = GENERATIONS, value_parser = clap::value_parser!(u16).range(1..=MOST_GENERATIONS), allow_negative_numbers = true)]
    keep: u16,
}

impl Keep {
    /// The number.
    pub(super) fn count(self) -> usize {
        usize::from(self.keep)
    }
}

impl Default for Keep {
    fn default() -> Self {
        Self { keep: GENERATIONS }
    }
}

/// What is said of the spec, and whether a snapshot was written.
pub(super) type Built = (Verdict, bool);

impl Task<'_> {
    /// Compiles, prints what is found, and writes and shows the snapshot unless there are errors.
    pub(super) fn run(&self, context: &Context, loaded: &Loaded) -> anyhow::Result<Built> {
        let (emitted, found) = self.compile(context, loaded, &store::proved(self.target.dist));
        let verdict = output::findings(context, &found, &loaded.sources)?;
        let Some(emitted) = emitted else {
            return Ok((Verdict::Rejected, false));
        };
        let published = match self.publish(context, &emitted)? {
            Some(published) => published,
            None => self.anew(context, loaded)?,
        };
        let shows = Shows::Spec(self.revision);
        show(context, self.target.dist, &published, shows)?;
        Ok((verdict, true))
    }

    /// Writes all slices where one that was proved before is gone or damaged.
    fn anew(&self, context: &Context, loaded: &Loaded) -> anyhow::Result<Published> {
        let (emitted, _) = self.compile(context, loaded, &Proved::default());
        // Not reached: the same spec was compiled a moment ago, and now nothing is expected to be there.
        let emitted = emitted.context("the spec does not compile any more")?;
        let published = self.publish(context, &emitted)?;
        published.context("the slices of the snapshot cannot be written")
    }

    fn compile(
        &self,
        context: &Context,
        loaded: &Loaded,
        proved: &Proved,
    ) -> (Option<Emitted>, Vec<Diagnostic>) {
        let shown = Shown::of(context);
        let specs = [self.spec.to_owned()];
        let judged = super::check::surroundings(context, &specs, (self.today, &self.deny), &shown);
        let surroundings = match self.revision {
            // Nothing of the work tree is read, the files of certificates included.
            Some(revision) => Surroundings {
                certificates: None,
                snapshots: Some(same::snapshots_of(context, revision, self.spec)),
                ..judged
            },
            None => judged,
        };
        let (emitted, mut found) = unless_wrong(loaded.found.clone(), || {
            weft_tell::compile_beside(&loaded.sources, &loaded.values, &surroundings, proved)
        });
        self.deny.apply(&mut found);
        let is_rejected = super::check::has_errors(&found);
        (emitted.filter(|_| !is_rejected), found)
    }

    fn publish(&self, context: &Context, emitted: &Emitted) -> anyhow::Result<Option<Published>> {
        let shown = Shown::of(context);
        store::publish(self.target, emitted, &shown.progress())
    }
}

/// Compiles unless the values are wrong already.
pub(super) fn unless_wrong<T>(
    mut found: Vec<Diagnostic>,
    compile: impl FnOnce() -> (Option<T>, Vec<Diagnostic>),
) -> (Option<T>, Vec<Diagnostic>) {
    if found.iter().any(|found| found.severity == Severity::Error) {
        return (None, found);
    }
    let (compiled, more) = compile();
    found.extend(more);
    (compiled, found)
}
