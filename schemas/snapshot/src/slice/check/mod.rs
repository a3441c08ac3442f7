//! The one check of a slice: everything that the accessors rely on, in one pass over the bytes.
//!
//! Order: container, sizes of sections, text, settings, policies, records. The first thing that is wrong ends it. Its
//! work is linear in the number of bytes, because the sums of all spans into a section are bounded
//! by the length of the section.

mod costs;
mod policies_of;
mod records_of;
mod settings_of;

use crate::container::Sections;
use crate::limits;
use crate::number::wide;
use crate::policy::Policy;
use crate::records::{self, FORM, Span, Text, kind};
use crate::settings::NodeSettings;
use crate::slice::{Reader, SliceError};

/// What was found in the bytes of a slice.
pub(super) struct Checked {
    pub(super) sections: Sections,
    pub(super) settings: NodeSettings,
    pub(super) policies: Vec<Policy>,
}

/// Checks `bytes` as a slice.
pub(super) fn check(bytes: &[u8]) -> Result<Checked, SliceError> {
    if limits::SLICE_BYTES < u64::try_from(bytes.len()).unwrap_or(u64::MAX) {
        return Err(SliceError::TooLarge {
            limit: limits::SLICE_BYTES,
        });
    }
    let sections = Sections::read(bytes, FORM)?;
    let reader = Reader {
        bytes,
        sections: &sections,
        policies: &[],
    };
    sizes(reader)?;
    let strings = str::from_utf8(sections.bytes(bytes, kind::STRINGS))
        .map_err(|_| broken("strings", 0, "not UTF-8"))?;
    if reader.routes().is_empty() {
        return Err(SliceError::NoRoutes);
    }
    let settings =
        settings_of::settings(sections.bytes(bytes, kind::SETTINGS), reader.tables().len())?;
    let policies = policies_of::policies(
        sections.bytes(bytes, kind::POLICIES),
        reader.outcomes().len(),
    )?;
    Checker {
        reader: Reader {
            policies: &policies,
            ..reader
        },
        strings,
        settings: &settings,
    }
    .records()?;
    Ok(Checked {
        sections,
        settings,
        policies,
    })
}

fn broken(section: &'static str, position: usize, what: &'static str) -> SliceError {
    SliceError::BadRecord {
        section,
        position,
        what,
    }
}

/// Every section holds whole records.
fn sizes(reader: Reader<'_>) -> Result<(), SliceError> {
    let record_sizes = [
        (kind::STRING_LIST, size_of::<Text>(), "string list"),
        (kind::TABLES, size_of::<records::Table>(), "tables"),
        (kind::HOSTS, size_of::<records::Host>(), "hosts"),
        (
            kind::HOST_SLOTS,
            size_of::<records::HostSlot>(),
            "host slots",
        ),
        (kind::NODES, size_of::<records::Node>(), "nodes"),
        (kind::EDGES, size_of::<records::Edge>(), "edges"),
        (
            kind::ROUTE_LISTS,
            size_of::<records::RouteList>(),
            "route lists",
        ),
        (kind::ROUTE_REFERENCES, 4, "route references"),
        (kind::ROUTES, size_of::<records::Route>(), "routes"),
        (
            kind::CONDITIONS,
            size_of::<records::Condition>(),
            "conditions",
        ),
        (
            kind::AUTOMATA,
            size_of::<records::AutomatonPlace>(),
            "automata",
        ),
        (kind::AUTOMATON_WORDS, 4, "automaton words"),
        (kind::OUTCOMES, size_of::<records::Outcome>(), "outcomes"),
        (kind::BACKENDS, size_of::<records::Backend>(), "backends"),
        (kind::REWRITES, size_of::<records::Rewrite>(), "rewrites"),
        (
            kind::REWRITE_PARTS,
            size_of::<records::RewritePart>(),
            "rewrite parts",
        ),
        (kind::ANSWERS, size_of::<records::Answer>(), "answers"),
        (kind::ACCESS, size_of::<records::Access>(), "access"),
        (kind::GRANTS, size_of::<records::Grant>(), "grants"),
    ];
    for (section, size, name) in record_sizes {
        if !reader
            .sections
            .bytes(reader.bytes, section)
            .len()
            .is_multiple_of(size)
        {
            return Err(broken(name, 0, "the section ends within a record"));
        }
    }
    Ok(())
}

/// What the record checks need.
struct Checker<'s> {
    reader: Reader<'s>,
    strings: &'s str,
    settings: &'s NodeSettings,
}

impl Checker<'_> {
    fn is_text(&self, text: Text) -> bool {
        let start = wide(text.offset.get());
        let end = start.saturating_add(wide(text.length.get()));
        self.strings.get(start..end).is_some()
    }

    fn is_optional_text(&self, text: Text) -> bool {
        (text.offset.get() == records::NONE && text.length.get() == 0) || self.is_text(text)
    }

    fn text(&self, text: Text) -> &str {
        self.reader.text(text)
    }
}

/// Whether `span` lies within `length` records.
fn fits(span: Span, length: usize) -> bool {
    wide(span.start.get())
        .checked_add(wide(span.count.get()))
        .is_some_and(|end| end <= length)
}

/// Adds up spans into one section, so that a reader of all of them does linear work.
struct Total {
    left: usize,
    length: usize,
}

impl Total {
    fn of<T>(records: &[T]) -> Self {
        Self {
            left: records.len(),
            length: records.len(),
        }
    }

    fn takes(&mut self, span: Span) -> bool {
        match self.left.checked_sub(wide(span.count.get())) {
            Some(left) => {
                self.left = left;
                fits(span, self.length)
            }
            None => false,
        }
    }
}
