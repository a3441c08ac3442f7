//! The container of a blob: a magic, a format number, and a table of sections.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic, which says what kind of blob it is |
//! | 8 | 4 | format number |
//! | 12 | 4 | number of sections |
//! | 16 | 8 | length of the whole blob |
//! | 24 | 24 each | sections: kind, flags, offset, length |
//!
//! All numbers are little-endian. Sections lie one behind the other, in the order of their kinds, each
//! kind at most once. A section that a reader does not know is skipped when it is optional and refused
//! when it is required: a skipped requirement would be a skipped policy.

use std::ops::Range;

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

const REQUIRED: u32 = 1;
/// More sections than any format has; a bound on the table.
const SECTIONS: u32 = 64;

#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    format: U32,
    sections: U32,
    length: U64,
}

#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
struct SectionRecord {
    kind: U32,
    flags: U32,
    offset: U64,
    length: U64,
}

/// Why bytes are not a container that this reader can read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ContainerError {
    /// There is nothing.
    #[error("the blob is empty")]
    Empty,
    /// It starts with something else.
    #[error("this is not a {expected} (it starts with other bytes)")]
    Magic {
        /// What was expected.
        expected: &'static str,
    },
    /// Another format number.
    #[error("format {found} is not the format {known} that this version reads")]
    Format {
        /// The number found.
        found: u32,
        /// The number known.
        known: u32,
    },
    /// The length in the header is not the length of the blob.
    #[error("the blob has {found} bytes and should have {expected}")]
    Length {
        /// Bytes found.
        found: u64,
        /// Bytes expected.
        expected: u64,
    },
    /// The table of sections is broken.
    #[error("the table of sections is broken at entry {entry}")]
    Table {
        /// The entry, from 0.
        entry: u32,
    },
    /// A required section that this reader does not know.
    #[error("section {kind} is required and not known to this version; use a newer weft-proxy")]
    UnknownSection {
        /// Its kind.
        kind: u32,
    },
    /// A section that this reader needs is not there.
    #[error("section {kind} is missing")]
    MissingSection {
        /// Its kind.
        kind: u32,
    },
}

/// What kind of container is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// The first eight bytes.
    pub(crate) magic: [u8; 8],
    /// The format number.
    pub(crate) format: u32,
    /// What it is called in messages.
    pub(crate) name: &'static str,
    /// Kinds are 1 up to this.
    pub(crate) kinds: u32,
}

/// Where each section lies, by its kind.
#[derive(Clone, Debug)]
pub(crate) struct Sections {
    ranges: Vec<Range<usize>>,
}

impl Sections {
    /// Reads the table; every range lies within `bytes`.
    pub(crate) fn read(bytes: &[u8], form: Form) -> Result<Self, ContainerError> {
        if bytes.is_empty() {
            return Err(ContainerError::Empty);
        }
        let magic = ContainerError::Magic {
            expected: form.name,
        };
        let (header, rest) = Header::ref_from_prefix(bytes).map_err(|_| magic.clone())?;
        if header.magic != form.magic {
            return Err(magic);
        }
        if header.format.get() != form.format {
            return Err(ContainerError::Format {
                found: header.format.get(),
                known: form.format,
            });
        }
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if header.length.get() != found {
            return Err(ContainerError::Length {
                found,
                expected: header.length.get(),
            });
        }
        let count = header.sections.get();
        if SECTIONS < count {
            return Err(ContainerError::Table { entry: 0 });
        }
        let (table, _) =
            <[SectionRecord]>::ref_from_prefix_with_elems(rest, crate::number::wide(count))
                .map_err(|_| ContainerError::Table { entry: 0 })?;
        Self::from_table(table, bytes, form)
    }

    fn from_table(
        table: &[SectionRecord],
        bytes: &[u8],
        form: Form,
    ) -> Result<Self, ContainerError> {
        let mut ranges: Vec<Option<Range<usize>>> = vec![None; crate::number::wide(form.kinds)];
        let (mut before, mut end) = (0, size_of::<Header>() + size_of_val(table));
        for (entry, section) in (0_u32..).zip(table) {
            let broken = ContainerError::Table { entry };
            let kind = section.kind.get();
            let start = usize::try_from(section.offset.get()).map_err(|_| broken.clone())?;
            let length = usize::try_from(section.length.get()).map_err(|_| broken.clone())?;
            if kind <= before || start != end {
                return Err(broken);
            }
            end = start
                .checked_add(length)
                .filter(|end| *end <= bytes.len())
                .ok_or(broken)?;
            before = kind;
            match ranges.get_mut(crate::number::wide(kind - 1)) {
                Some(slot) => *slot = Some(start..end),
                None if section.flags.get() & REQUIRED == 0 => {}
                None => return Err(ContainerError::UnknownSection { kind }),
            }
        }
        let missing = (1_u32..).zip(&ranges).find(|(_, range)| range.is_none());
        if let Some((kind, _)) = missing {
            return Err(ContainerError::MissingSection { kind });
        }
        if end != bytes.len() {
            return Err(ContainerError::Table {
                entry: u32::try_from(table.len()).unwrap_or(0),
            });
        }
        Ok(Self {
            ranges: ranges.into_iter().flatten().collect(),
        })
    }

    /// The bytes of the section `kind`.
    pub(crate) fn bytes<'b>(&self, bytes: &'b [u8], kind: u32) -> &'b [u8] {
        self.ranges
            .get(crate::number::wide(kind.saturating_sub(1)))
            .and_then(|range| bytes.get(range.clone()))
            .unwrap_or_default()
    }
}

/// Writes sections, given in the order of their kinds from 1, as one container.
#[cfg(feature = "build")]
pub(crate) fn write(form: Form, sections: &[&[u8]]) -> Vec<u8> {
    let count = u32::try_from(sections.len()).unwrap_or(u32::MAX);
    let as_u64 = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let table = size_of::<Header>() + size_of::<SectionRecord>() * sections.len();
    let length = table + sections.iter().map(|section| section.len()).sum::<usize>();
    let header = Header {
        magic: form.magic,
        format: U32::new(form.format),
        sections: U32::new(count),
        length: U64::new(as_u64(length)),
    };
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(header.as_bytes());
    let mut offset = table;
    for (kind, section) in (1_u32..).zip(sections) {
        let record = SectionRecord {
            kind: U32::new(kind),
            flags: U32::new(REQUIRED),
            offset: U64::new(as_u64(offset)),
            length: U64::new(as_u64(section.len())),
        };
        bytes.extend_from_slice(record.as_bytes());
        offset += section.len();
    }
    for section in sections {
        bytes.extend_from_slice(section);
    }
    bytes
}
