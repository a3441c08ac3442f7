//! Printing: results to standard output, words for people to standard error, colour only on a terminal.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use weft_front::diagnostic::{Colour, Diagnostic, Format, Severity, render};
use weft_front::source::Sources;
use weft_front::text::{terminal, visible};

use super::{Context, Verdict};

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

/// Prints why a command could not do its work.
pub(super) fn failure(error: &anyhow::Error) {
    // Nothing is left to do when even this cannot be printed.
    let _ = writeln!(
        anstream::stderr().lock(),
        "{}",
        terminal(&format!("error: {error:#}"))
    );
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
    match context.format {
        // The stream takes the colours out again where they are not wanted.
        Format::Human => beside(&render(found, sources, context.format, Colour::Styled))?,
        Format::Json | Format::Sarif | Format::Github => {
            result(&render(found, sources, context.format, Colour::Plain))?;
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
