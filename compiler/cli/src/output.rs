//! Printing: results to standard output, words for people to standard error, colour only on a terminal.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use weft_front::diagnostic::{
    Colour, Diagnostic, Format, Severity, command_at, first, render, render_first,
};
use weft_front::sarif::{SarifLevel, SarifResult, SarifRule, log};
use weft_front::source::Sources;
use weft_front::text::{terminal, visible};

use super::{Context, Verdict};

/// So many findings of each severity are shown to people, unless they say a number.
pub(super) const MAX_ERRORS: usize = 50;
/// What machines are told that a command failed by.
const FAILED: &str = "command-failed";

/// Whether a reader of standard output or standard error has gone away.
static IS_UNREAD: AtomicBool = AtomicBool::new(false);

/// Prints a result in a format of machines. None of them has controls in it but line breaks and tabulators.
pub(super) fn result(text: &str) -> anyhow::Result<()> {
    let mut stream = anstream::stdout().lock();
    let written = stream.write_all(visible(text).as_bytes());
    unless_unread(written.and_then(|()| stream.flush()))
}

/// Prints a result as text for people.
pub(super) fn people(text: &str) -> anyhow::Result<()> {
    result(&terminal(text))
}

/// Prints words for people beside the result.
pub(super) fn aside(text: &str) -> anyhow::Result<()> {
    beside(&terminal(text))
}

fn beside(text: &str) -> anyhow::Result<()> {
    unless_unread(anstream::stderr().lock().write_all(text.as_bytes()))
}

/// Takes what nobody reads any more, as behind `head`, for written: a reader that goes away changes no verdict.
fn unless_unread(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            IS_UNREAD.store(true, Ordering::Relaxed);
            Ok(())
        }
        written => Ok(written?),
    }
}

/// Whether a reader of our output has gone away, so that work without an end may end.
pub(super) fn is_unread() -> bool {
    IS_UNREAD.load(Ordering::Relaxed)
}

/// Prints text for people that was painted after it went through `terminal`.
pub(super) fn painted(text: &str, paint: fn(&str) -> String) -> anyhow::Result<()> {
    let mut stream = anstream::stdout().lock();
    let written = stream.write_all(paint(&terminal(text)).as_bytes());
    unless_unread(written.and_then(|()| stream.flush()))
}

/// Prints why a command could not do its work: for people, and for machines where they read the results.
pub(super) fn failure(format: Format, error: &anyhow::Error) {
    let said = format!("{error:#}");
    // Nothing is left to do when even this cannot be printed.
    let _ = writeln!(
        anstream::stderr().lock(),
        "{}",
        terminal(&format!("error: {said}"))
    );
    let _ = failure_for_machines(format, &said);
}

/// The same for machines alone.
pub(super) fn failure_for_machines(format: Format, said: &str) -> anyhow::Result<()> {
    let outcome = || SarifResult::new(FAILED, SarifLevel::Error, said).of_rule(0);
    let meaning = "The command could not do its work.";
    match format {
        Format::Human => Ok(()),
        Format::Json => {
            let finding = serde_json::json!({
                "code": FAILED,
                "severity": "error",
                "message": said,
                "labels": [],
                "notes": [],
                "edits": [],
            });
            result(&format!("{finding}\n"))
        }
        Format::Sarif => {
            let rule = SarifRule::new(FAILED, meaning, SarifLevel::Error);
            result(&log(vec![rule], vec![outcome()], None))
        }
        Format::Github => result(&command_at("error", None, FAILED, said)),
    }
}

/// Prints findings in the format that was asked for, and judges them.
pub(super) fn findings(
    context: &Context,
    found: &[Diagnostic],
    sources: &Sources,
) -> anyhow::Result<Verdict> {
    let mut shown = found.to_vec();
    shown.retain(|found| context.shows_remarks || found.severity != Severity::Info);
    let found = shown.as_slice();
    // Machines get all that they do not ask to be without.
    let most = match (context.max_errors, context.format) {
        (Some(most), _) if most != 0 => most,
        (None, Format::Human) => MAX_ERRORS,
        (Some(_), _) | (None, Format::Json | Format::Sarif | Format::Github) => usize::MAX,
    };
    match context.format {
        // The stream takes the colours out again where they are not wanted.
        Format::Human => {
            let how = (most, context.is_short);
            beside(&render_first(found, sources, how, Colour::Styled))?;
        }
        Format::Json | Format::Sarif | Format::Github => {
            let first = first(found, most);
            result(&render(&first, sources, context.format, Colour::Plain))?;
        }
    }
    let is_rejected = found.iter().any(|found| found.severity == Severity::Error);
    Ok(if is_rejected {
        Verdict::Rejected
    } else {
        Verdict::Clean
    })
}

/// A number of bytes as people read it.
pub(super) fn size(bytes: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = bytes
            .saturating_mul(10)
            .checked_div(unit)
            .unwrap_or_default();
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", tenths(1024)),
        _ => format!("{} MiB", tenths(1_048_576)),
    }
}
