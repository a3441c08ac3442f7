//! `weft dev`: rebuilds the snapshot whenever the spec changes; proxies that watch it follow.
//!
//! A spec with a mistake is shown and changes nothing: the last good snapshot stays where it is.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::Context as _;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use weft_front::source::Sources;

use super::build::{Keep, Task};
use super::deny::Deny;
use super::load::{self, Loaded};
use super::store::Target;
use super::{Context, Verdict, output, project};

/// From the first change of a file to reading all of them: an editor's save is several changes.
pub(super) const DEBOUNCE: Duration = Duration::from_millis(100);
/// How often the files are read even when no change was heard of (network file systems tell nothing).
pub(super) const POLL: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The spec: a folder or a file.
    #[arg(default_value = ".")]
    spec: PathBuf,
    /// Where the snapshot is written, as an OCI image layout; what `weft.yaml` says, by default.
    #[arg(short, long, value_name = "DIST")]
    output: Option<PathBuf>,
    /// Build once and end.
    #[arg(long)]
    once: bool,
    /// End after this many builds.
    #[arg(long, value_name = "N", hide = true)]
    builds: Option<u32>,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let limit = if arguments.once {
        Some(1)
    } else {
        arguments.builds
    };
    // The watch begins before the first reading, so that no change falls between the two.
    let (sender, changes) = mpsc::channel();
    let _watcher = watch(&arguments.spec, &context.values, move || {
        // Without a receiver the command is ending.
        let _ = sender.send(());
    })?;
    let mut last: Option<Sources> = None;
    let mut verdict = Verdict::Clean;
    let mut builds = 0_u32;
    loop {
        match load::sources(&arguments.spec, &context.values) {
            Ok(sources) if last.as_ref() == Some(&sources) => {}
            Ok(sources) => {
                let (said, sources) = rebuild(context, arguments, sources)?;
                verdict = said;
                last = Some(sources);
                builds = builds.saturating_add(1);
            }
            // A file may be gone for a moment while it is replaced; the next change brings it back.
            Err(error) if last.is_some() => output::failure(context.format, &error),
            Err(error) => return Err(error),
        }
        if limit.is_some_and(|limit| limit <= builds) || output::is_unread() {
            return Ok(verdict);
        }
        wait(&changes);
    }
}

fn rebuild(
    context: &Context,
    arguments: &Arguments,
    sources: Sources,
) -> anyhow::Result<(Verdict, Sources)> {
    let loaded = Loaded::from(sources);
    let project = project::of_spec(&arguments.spec)?;
    let task = Task {
        spec: &arguments.spec,
        target: Target {
            dist: &project.dist(&arguments.spec, arguments.output.as_ref())?,
            generation: None,
            keep: Keep::default().count(),
        },
        today: None,
        revision: None,
        deny: Deny::of(project.deny())?,
    };
    let (verdict, is_written) = task.run(context, &loaded)?;
    if !is_written {
        output::aside("nothing was changed; waiting for the next edit\n")?;
    }
    Ok((verdict, loaded.sources))
}

/// Watches the folder of the spec and those of the values, as long as the watcher lives.
///
/// Folders are watched, never files: a file that is replaced by renaming would be lost.
pub(super) fn watch(
    spec: &Path,
    values: &[PathBuf],
    mut heard: impl FnMut() + Send + 'static,
) -> anyhow::Result<RecommendedWatcher> {
    let mut watcher =
        notify::recommended_watcher(move |_event| heard()).context("watching files")?;
    let mut add = |folder: &Path, mode| {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        watcher
            .watch(folder, mode)
            .with_context(|| format!("watching `{}`", folder.display()))
    };
    if spec.is_dir() {
        add(spec, RecursiveMode::Recursive)?;
    }
    let files = values
        .iter()
        .map(PathBuf::as_path)
        .chain((!spec.is_dir()).then_some(spec));
    for file in files {
        add(
            file.parent().unwrap_or(Path::new(".")),
            RecursiveMode::NonRecursive,
        )?;
    }
    Ok(watcher)
}

/// Waits for a change and for the quiet after it, or for the next poll.
fn wait(changes: &Receiver<()>) {
    if changes.recv_timeout(POLL) == Ok(()) {
        // INVARIANT: a source of endless changes does not keep this from ending.
        for _ in 0..10 {
            if let Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) =
                changes.recv_timeout(DEBOUNCE)
            {
                return;
            }
            while changes.try_recv().is_ok() {}
        }
    }
}
