//! How far long work is, on a terminal: one line that comes after a second and goes when the work is done.
//!
//! It is for a person who waits. Where nobody does (a file, a pipe, a run of CI, an output for machines) nothing is written.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use weft_front::diagnostic::Format;
use weft_front::progress::{Progress, Watcher};

use super::Context;

/// From the beginning of the work to the first line about it; shorter work is not spoken of.
const AFTER: Duration = Duration::from_secs(1);
/// How often the line is drawn when nothing is counted.
const TICK: Duration = Duration::from_millis(100);

/// What is shown while work is done; it is gone when this is dropped, which comes before other output.
#[derive(Debug, Default)]
pub(super) struct Shown(Option<ProgressLine>);

#[derive(Debug)]
struct ProgressLine {
    bar: ProgressBar,
    ended: Option<Sender<()>>,
    clock: Option<JoinHandle<()>>,
}

impl Shown {
    /// Shows something if a person may be waiting for it.
    pub(super) fn of(context: &Context) -> Self {
        let is_awaited = matches!(context.format, Format::Human)
            && std::io::stderr().is_terminal()
            && std::env::var_os("CI").is_none();
        Self(is_awaited.then(|| ProgressLine::after(AFTER, ProgressDrawTarget::stderr)))
    }

    /// Where the work says how far it is.
    pub(super) fn progress(&self) -> Progress {
        self.0.as_ref().map_or_else(Progress::default, |line| {
            Progress::told_to(Arc::new(ProgressWatcher(line.bar.clone())))
        })
    }
}

impl ProgressLine {
    /// A line that is drawn from then on.
    fn after(
        after: Duration,
        target: impl FnOnce() -> ProgressDrawTarget + Send + 'static,
    ) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let (ended, end) = mpsc::channel();
        let drawn = bar.clone();
        let clock = thread::spawn(move || {
            if end.recv_timeout(after) == Err(RecvTimeoutError::Timeout) {
                drawn.set_draw_target(target());
                drawn.enable_steady_tick(TICK);
            }
        });
        Self {
            bar,
            ended: Some(ended),
            clock: Some(clock),
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        drop(self.ended.take());
        // Only drawing could have panicked there, and then there is nothing to take away.
        drop(self.clock.take().map(JoinHandle::join));
        self.bar.finish_and_clear();
    }
}

/// The line, told by the threads that work.
struct ProgressWatcher(ProgressBar);

impl Watcher for ProgressWatcher {
    fn begins(&self, part: &'static str, steps: usize) {
        let form = if steps == 0 {
            "{msg} {spinner}"
        } else {
            "{msg} {pos}/{len} {bar:30}"
        };
        // A form that cannot be read would be the one of before.
        if let Ok(style) = ProgressStyle::with_template(form) {
            self.0.set_style(style);
        }
        self.0.set_message(part);
        self.0.set_position(0);
        match u64::try_from(steps) {
            Ok(0) | Err(_) => self.0.unset_length(),
            Ok(steps) => self.0.set_length(steps),
        }
    }

    fn advances(&self) {
        self.0.inc(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_before_its_time_or_after_the_end() {
        let line = ProgressLine::after(Duration::from_hours(1), || panic!("work was short"));
        ProgressWatcher(line.bar.clone()).begins("writing", 2);
        assert!(line.bar.is_hidden());
        drop(line);
        let (asked, was_asked) = mpsc::channel();
        let line = ProgressLine::after(Duration::ZERO, move || {
            // Whoever waits for it has gone if the line was dropped first.
            let _ = asked.send(());
            ProgressDrawTarget::hidden()
        });
        let told = ProgressWatcher(line.bar.clone());
        assert_eq!(was_asked.recv(), Ok(()));
        told.begins("writing", 2);
        told.advances();
        assert_eq!((line.bar.position(), line.bar.length()), (1, Some(2)));
        told.begins("reading", 0);
        assert_eq!((line.bar.position(), line.bar.length()), (0, None));
        drop(line);
        assert!(told.0.is_finished());
    }

    #[test]
    fn machines_are_shown_nothing() {
        for format in [Format::Json, Format::Sarif, Format::Github] {
            let context = Context {
                format,
                ..Context::default()
            };
            assert!(Shown::of(&context).0.is_none());
        }
    }
}
