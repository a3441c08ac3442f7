//! A slice in memory: bytes that were checked once and are read in place ever after.
//!
//! [`Slice::check`] is the only way to get one. It is total and bounded: hostile bytes give an error,
//! never a panic, and what it accepts every accessor can read. Nothing is decoded but the settings and
//! the policies, of which there are few.

mod authorize;
mod candidates;
mod check;
mod decide;
mod path;
mod read_back;
mod said;
pub mod view;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::automaton::Automaton;
use crate::container::{ContainerError, Sections};
use crate::layout::Descriptor;
use crate::number::wide;
use crate::policy::Policy;
use crate::records::{self, NONE, Span, Text, kind};
use crate::settings::NodeSettings;

pub use authorize::Access;
pub use decide::Repeated;

/// A checked slice.
#[derive(Debug)]
pub struct Slice {
    // A `Vec`, because shrinking it to a box would copy megabytes.
    bytes: Vec<u8>,
    sections: Sections,
    settings: NodeSettings,
    policies: Vec<Policy>,
}

/// Why bytes are not a slice.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SliceError {
    /// The container is broken.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// The slice is larger than any slice may be.
    #[error("the slice has more than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: u64,
    },
    /// The settings are not what this version reads.
    #[error("the settings are not understood: {message}")]
    Settings {
        /// What the decoder says.
        message: String,
    },
    /// The policies are not what this version reads.
    #[error("the policies are not understood: {message}")]
    Policies {
        /// What the decoder says.
        message: String,
    },
    /// A setting breaks a rule.
    #[error("{what}")]
    BadSetting {
        /// Which one and how.
        what: String,
    },
    /// A record refers to something that is not there, or holds a number out of range.
    #[error("record {position} of section `{section}` is broken: {what}")]
    BadRecord {
        /// The section.
        section: &'static str,
        /// The record, from 0.
        position: usize,
        /// How.
        what: &'static str,
    },
    /// There is no route at all.
    #[error("the slice has no routes")]
    NoRoutes,
}

impl Slice {
    /// Checks `bytes` and takes them.
    ///
    /// # Errors
    ///
    /// [`SliceError`] says the first thing that is wrong.
    pub fn check(bytes: Vec<u8>) -> Result<Self, SliceError> {
        let check::Checked {
            sections,
            settings,
            policies,
        } = check::check(&bytes)?;
        Ok(Self {
            bytes,
            sections,
            settings,
            policies,
        })
    }

    /// Checks `bytes` without taking them.
    ///
    /// # Errors
    ///
    /// As [`Slice::check`].
    pub fn check_borrowed(bytes: &[u8]) -> Result<(), SliceError> {
        check::check(bytes).map(|_| ())
    }

    /// The node, its listeners, clusters and certificates.
    pub fn settings(&self) -> &NodeSettings {
        &self.settings
    }

    /// The bytes that were checked.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Which blob this is.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::of(&self.bytes)
    }

    /// The number of bytes.
    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    /// Whether another slice has the same bytes, and so does the same.
    pub fn is_same(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }

    /// The number of routes.
    pub fn route_count(&self) -> u32 {
        u32::try_from(self.reader().routes().len()).unwrap_or(u32::MAX)
    }

    /// The route at a position.
    pub fn route(&self, index: u32) -> Option<view::Route<'_>> {
        let reader = self.reader();
        let record = reader.routes().get(wide(index))?;
        Some(view::Route::new(reader, record, index))
    }

    fn reader(&self) -> Reader<'_> {
        Reader {
            bytes: &self.bytes,
            sections: &self.sections,
            policies: &self.policies,
        }
    }
}

/// Reads records out of the sections. On checked bytes every accessor finds what it is asked for; the
/// empty values that stand in otherwise keep it total.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'s> {
    bytes: &'s [u8],
    sections: &'s Sections,
    pub(crate) policies: &'s [Policy],
}

macro_rules! sections {
    ($($accessor:ident: $record:ty = $kind:ident,)*) => {
        $(
            pub(crate) fn $accessor(self) -> &'s [$record] {
                self.section(kind::$kind)
            }
        )*
    };
}

impl<'s> Reader<'s> {
    fn section<T: FromBytes + Immutable + KnownLayout + Unaligned>(self, kind: u32) -> &'s [T] {
        <[T]>::ref_from_bytes(self.sections.bytes(self.bytes, kind)).unwrap_or_default()
    }

    sections! {
        string_list: Text = STRING_LIST,
        tables: records::Table = TABLES,
        hosts: records::Host = HOSTS,
        host_slots: records::HostSlot = HOST_SLOTS,
        nodes: records::Node = NODES,
        edges: records::Edge = EDGES,
        route_lists: records::RouteList = ROUTE_LISTS,
        references: U32 = ROUTE_REFERENCES,
        routes: records::Route = ROUTES,
        conditions: records::Condition = CONDITIONS,
        automata: records::AutomatonPlace = AUTOMATA,
        automaton_words: U32 = AUTOMATON_WORDS,
        outcomes: records::Outcome = OUTCOMES,
        backends: records::Backend = BACKENDS,
        rewrites: records::Rewrite = REWRITES,
        rewrite_parts: records::RewritePart = REWRITE_PARTS,
        answers: records::Answer = ANSWERS,
        access: records::Access = ACCESS,
        grants: records::Grant = GRANTS,
    }

    /// The bytes of a text. Comparing bytes needs no second look at UTF-8.
    pub(crate) fn text_bytes(self, text: Text) -> &'s [u8] {
        let start = wide(text.offset.get());
        let end = start.saturating_add(wide(text.length.get()));
        self.sections
            .bytes(self.bytes, kind::STRINGS)
            .get(start..end)
            .unwrap_or_default()
    }

    pub(crate) fn text(self, text: Text) -> &'s str {
        str::from_utf8(self.text_bytes(text)).unwrap_or_default()
    }

    pub(crate) fn optional_text(self, text: Text) -> Option<&'s str> {
        (text.offset.get() != NONE).then(|| self.text(text))
    }

    pub(crate) fn texts(self, list: Span) -> impl Iterator<Item = &'s str> {
        part(self.string_list(), list)
            .iter()
            .map(move |text| self.text(*text))
    }

    pub(crate) fn automaton(self, index: u32) -> Option<Automaton<'s>> {
        let place = self.automata().get(wide(index))?;
        Automaton::split(part(self.automaton_words(), place.words))
    }
}

/// The records of a span.
pub(crate) fn part<T>(records: &[T], span: Span) -> &[T] {
    let start = wide(span.start.get());
    records
        .get(start..start.saturating_add(wide(span.count.get())))
        .unwrap_or_default()
}
