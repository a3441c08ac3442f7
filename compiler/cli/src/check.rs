//! `weft check`: is this spec right?

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use weft_front::diagnostic::{Diagnostic, Format, Severity};
use weft_front::{CertificateFacts, ReadCertificates, Surroundings};
use weft_spec::units::Date;

use super::progress::Shown;
use super::reach::Reach;
use super::{Context, Verdict, load, output};

/// The longest chain that is read, in bytes.
const CHAIN_BYTES: u64 = 1 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The spec: a folder or a file.
    #[arg(default_value = ".")]
    spec: PathBuf,
    /// The day on which the spec is checked, in UTC; today by default.
    #[arg(long, value_name = "DATE")]
    now: Option<Date>,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Verdict> {
    let loaded = load::spec(&arguments.spec, &context.values)?;
    let mut found = loaded.found;
    if !has_errors(&found) {
        let shown = Shown::of(context);
        let surroundings = surroundings(context, &arguments.spec, arguments.now, &shown);
        let (sources, values) = (&loaded.sources, &loaded.values);
        found.extend(weft_tell::check_to_build(sources, values, &surroundings));
    }
    let verdict = output::findings(context, &found, &loaded.sources)?;
    let is_silent = |found: &Diagnostic| {
        found.suppressed.is_some() || (found.severity == Severity::Info && !context.shows_remarks)
    };
    if found.iter().all(is_silent) && context.format == Format::Human {
        let files = loaded.sources.iter().count();
        let plural = if files == 1 { "" } else { "s" };
        let is_shown = |found: &&Diagnostic| {
            found.suppressed.is_some()
                && (context.shows_remarks || found.severity != Severity::Info)
        };
        let suppressed = match found.iter().filter(is_shown).count() {
            0 => String::new(),
            count => format!(", {count} suppressed"),
        };
        output::people(&format!(
            "checked {files} file{plural}: nothing found{suppressed}\n"
        ))?;
    }
    Ok(verdict)
}

/// What whoever judges a spec may know besides it: the day that was said, else that of the clock, and the files that the spec may name. A
/// check and a build are told the same, so that they judge alike.
pub(super) fn surroundings(
    context: &Context,
    spec: &Path,
    now: Option<Date>,
    shown: &Shown,
) -> Surroundings {
    Surroundings {
        today: now.or_else(today),
        certificates: Some(certificates(context, spec)),
        snapshots: Some(super::same::snapshots(context, spec)),
        progress: shown.progress(),
    }
}

/// A reader of certificates: what one says whose chain the spec may name, its key beside it if that can be read.
fn certificates(context: &Context, spec: &Path) -> ReadCertificates {
    let reach = Reach::new(spec, &context.also_read);
    ReadCertificates(Rc::new(move |chain, key| {
        let key = read(&reach, key);
        CertificateFacts::of_pem(&read(&reach, chain)?, key.as_deref())
    }))
}

fn read(reach: &Reach, path: &str) -> Option<Vec<u8>> {
    use std::io::Read as _;

    let mut bytes = Vec::new();
    let file = reach.file(Path::new(path)).ok()?;
    file.take(CHAIN_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The day that the clock shows, in UTC; none for a clock that is wrong by centuries.
pub(super) fn today() -> Option<Date> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Date::of_unix_seconds(i64::try_from(since.as_secs()).ok()?)
}

pub(super) fn has_errors(found: &[Diagnostic]) -> bool {
    found.iter().any(|found| found.severity == Severity::Error)
}
