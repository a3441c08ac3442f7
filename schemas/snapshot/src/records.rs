//! The fixed-size records of a slice: plain little-endian numbers, read in place at any alignment.
//!
//! References between records are positions in another section. [`NONE`] stands for "not there" where a
//! field says so. What the numbers must satisfy is written in `slice/check.rs`, which is total: whatever
//! it accepts, every accessor can read.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::container::Form;

/// The container of slices. A change of any record below needs a new format number.
pub(crate) const FORM: Form = Form {
    magic: *b"WEFTSLC\n",
    format: 6,
    name: "slice of a Weft snapshot",
    kinds: 22,
};

/// "Not there".
pub(crate) const NONE: u32 = u32::MAX;

/// The kinds of sections, in their order.
pub(crate) mod kind {
    pub(crate) const SETTINGS: u32 = 1;
    pub(crate) const STRINGS: u32 = 2;
    pub(crate) const STRING_LIST: u32 = 3;
    pub(crate) const TABLES: u32 = 4;
    pub(crate) const HOSTS: u32 = 5;
    pub(crate) const HOST_SLOTS: u32 = 6;
    pub(crate) const NODES: u32 = 7;
    pub(crate) const EDGES: u32 = 8;
    pub(crate) const ROUTE_LISTS: u32 = 9;
    pub(crate) const ROUTE_REFERENCES: u32 = 10;
    pub(crate) const ROUTES: u32 = 11;
    pub(crate) const CONDITIONS: u32 = 12;
    pub(crate) const AUTOMATA: u32 = 13;
    pub(crate) const AUTOMATON_WORDS: u32 = 14;
    pub(crate) const OUTCOMES: u32 = 15;
    pub(crate) const BACKENDS: u32 = 16;
    pub(crate) const POLICIES: u32 = 17;
    pub(crate) const REWRITES: u32 = 18;
    pub(crate) const REWRITE_PARTS: u32 = 19;
    pub(crate) const ANSWERS: u32 = 20;
    pub(crate) const ACCESS: u32 = 21;
    pub(crate) const GRANTS: u32 = 22;
}

macro_rules! records {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
            #[repr(C)]
            pub(crate) struct $name {
                $($(#[$field_doc])* pub(crate) $field: $type,)*
            }
        )*
    };
}

records! {
    /// A text in the strings section; `offset` is [`NONE`] for "no text" where that is allowed.
    Text { offset: U32, length: U32 }
    /// Consecutive records of another section.
    Span { start: U32, count: U32 }
    /// A route table: its hosts.
    Table { hosts: Span }
    /// A host pattern with its routes, in order of precedence, and its path index.
    Host {
        table: U32,
        pattern: Text,
        routes: Span,
        /// The root of its trie in `NODES`.
        root: U32,
        /// In `AUTOMATA`, over all path expressions of the host; or NONE.
        automaton: U32,
        /// In `ROUTE_LISTS`, one per expression.
        expressions: Span,
    }
    /// A slot of the hash index over hosts: position + 1, or 0 when free.
    HostSlot { host: U32 }
    /// A node of a path trie.
    Node {
        /// The child for "any one segment", or 0.
        any: U32,
        /// Routes whose path ends here, in `ROUTE_REFERENCES`.
        exact: Span,
        /// Routes whose path ends here and takes any rest.
        rest: Span,
    }
    /// A slot of the hash index over trie edges; `child` is 0 when free.
    Edge { parent: U32, label: Text, child: U32 }
    /// Routes of one path expression, in `ROUTE_REFERENCES`.
    RouteList { routes: Span }
    /// A path pattern. `form` 0: segments, written as in [`crate::plan::PathPattern`]'s text form; 1: an expression.
    Path {
        form: U32,
        text: Text,
    }
    /// Methods: known ones as bits, all of them as a list.
    Methods { bits: U32, list: Span }
    /// One route.
    Route {
        id: Text,
        host: U32,
        path: Path,
        methods: Methods,
        headers: Span,
        query: Span,
        outcome: U32,
    }
    /// A condition; `form` 0 exact, 1 present, 2 absent, 3 expression: the one of this number in its automaton.
    Condition { form: U32, name: Text, text: Text, automaton: U32, pattern: U32 }
    /// An automaton: its words in `AUTOMATON_WORDS`.
    AutomatonPlace { words: Span }
    /// An outcome.
    Outcome {
        /// 0 forward (`BACKENDS`), 1 redirect, 2 respond (`ANSWERS`, one).
        action: U32,
        targets: Span,
        request_timeout: U32,
        backend_request_timeout: U32,
        connect_timeout: U32,
        idle_timeout: U32,
        /// In `REWRITES`, or NONE.
        path: U32,
        host: Text,
        /// The position of a policy in `POLICIES`.
        policy: U32,
    }
    /// A backend.
    Backend { cluster: U32, share: U32 }
    /// A path rewrite.
    Rewrite { parts: Span, rest_from: U32 }
    /// A part of a path rewrite; `form` 0: this text; 1: the segment `index`.
    RewritePart { form: U32, text: Text, index: U32 }
    /// A redirect or a fixed response. Respond: `text` body, `kind` content type. Redirect: `text` host, `kind` scheme.
    Answer { status: U32, text: Text, kind: Text, port: U32, path: U32 }
    /// An access rule; `effect` 0 admits, 1 refuses.
    Access { id: Text, effect: U32, from: Span, methods: Methods, path: Path, automaton: U32 }
    /// That an access rule names an identity; sorted by identity, then by precedence.
    Grant { identity: Text, access: U32 }
}

/// The methods that have a bit, in the order of the bits; bit 31 says that the list has others too.
pub(crate) const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE",
];
/// The bit that says that the list of methods has some without a bit.
pub(crate) const OTHER_METHODS: u32 = 1 << 31;

/// The bit of a method, or 0.
pub(crate) fn method_bit(method: &str) -> u32 {
    METHODS
        .iter()
        .zip(0_u32..)
        .find(|(known, _)| **known == method)
        .map_or(0, |(_, position)| 1 << position)
}
