//! The strings section: every text once.

#[expect(
    clippy::disallowed_types,
    reason = "looked up by key only; the order of bytes is that of first use"
)]
use std::collections::HashMap;

use zerocopy::little_endian::U32;

use crate::records::{NONE, Text};

/// Interns texts.
#[derive(Default)]
pub(super) struct Strings {
    bytes: String,
    #[expect(clippy::disallowed_types, reason = "looked up by key only")]
    known: HashMap<Box<str>, Text, foldhash::fast::RandomState>,
}

impl Strings {
    /// The place of `text`, which is stored when it is new.
    pub(super) fn add(&mut self, text: &str) -> Text {
        if let Some(place) = self.known.get(text) {
            return *place;
        }
        let place = Text {
            offset: U32::new(super::number(self.bytes.len())),
            length: U32::new(super::number(text.len())),
        };
        self.bytes.push_str(text);
        self.known.insert(text.into(), place);
        place
    }

    /// The text at a place that was given out.
    pub(super) fn text(&self, place: Text) -> &str {
        let start = crate::number::wide(place.offset.get());
        let end = start + crate::number::wide(place.length.get());
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The bytes of the section.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes.into_bytes()
    }
}

/// The place that says "no text".
pub(super) fn no_text() -> Text {
    Text {
        offset: U32::new(NONE),
        length: U32::new(0),
    }
}
