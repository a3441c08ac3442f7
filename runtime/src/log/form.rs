//! The text of a line, within the bound of its call site.

use std::fmt;
use std::sync::atomic::Ordering;

use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use super::limit::{self, Table};
use super::queue::STATUS;

/// Events of one call site that may follow each other at once; after that one a second.
const AT_ONCE: u64 = 10;
/// The field of lines that are limited by their reason already.
const LEFT_OUT: &str = "left_out";

static SITES: Table = Table::new(AT_ONCE);

/// Writes events as `form` does, as often as their call site may; others become no text at all.
pub(super) struct Limited<F> {
    form: F,
    is_json: bool,
}

impl<F> Limited<F> {
    /// For a `form` whose lines a person reads.
    pub(super) fn text(form: F) -> Self {
        Self {
            form,
            is_json: false,
        }
    }

    /// For a `form` whose lines are JSON objects.
    pub(super) fn json(form: F) -> Self {
        Self {
            form,
            is_json: true,
        }
    }

    /// Puts the number into `line`, which ends with a newline.
    fn add(&self, line: &str, left_out: u64, out: &mut Writer<'_>) -> fmt::Result {
        let line = line.trim_end();
        match line.strip_suffix('}') {
            Some(open) if self.is_json => writeln!(out, "{open},\"{LEFT_OUT}\":{left_out}}}"),
            Some(_) | None => writeln!(out, "{line} {LEFT_OUT}={left_out}"),
        }
    }
}

impl<S, N, F> FormatEvent<S, N> for Limited<F>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(left_out) = pass(event.metadata()) else {
            STATUS.left_out.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        };
        if left_out == 0 {
            return self.form.format_event(context, out, event);
        }
        let mut line = String::new();
        self.form
            .format_event(context, Writer::new(&mut line), event)?;
        self.add(&line, left_out, &mut out)
    }
}

fn pass(site: &'static Metadata<'static>) -> Option<u64> {
    if site.fields().field(LEFT_OUT).is_some() {
        return Some(0);
    }
    // A call site has one metadata for the life of the process, so its address is its name.
    let key = u64::try_from(std::ptr::from_ref(site).addr()).unwrap_or(u64::MAX);
    SITES.pass(key / 8, limit::clock_millis())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn a_call_site_that_repeats_itself_is_cut_short_and_others_are_heard() {
        let page = Page::default();
        let writer = page.clone();
        let form = Limited::text(fmt::format().with_target(false).without_time());
        let layer = fmt::layer()
            .with_writer(move || writer.clone())
            .event_format(form);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            for number in 0..50 {
                tracing::warn!(number, "again");
                tracing::warn!(left_out = number, "limited by itself");
            }
            tracing::info!("something else");
        });

        let count = |what: &str| page.text().matches(what).count();
        assert_eq!(count("again"), 10);
        assert_eq!(count("limited by itself"), 50);
        assert_eq!(count("something else"), 1);
    }

    #[test]
    fn what_was_left_out_is_part_of_the_next_line() {
        let mut text = String::new();
        let form = Limited::text(());
        form.add("a line\n", 17, &mut Writer::new(&mut text))
            .unwrap();
        let form = Limited::json(());
        form.add("{\"a\":1}\n", 17, &mut Writer::new(&mut text))
            .unwrap();
        assert_eq!(text, "a line left_out=17\n{\"a\":1,\"left_out\":17}\n");
    }
}
