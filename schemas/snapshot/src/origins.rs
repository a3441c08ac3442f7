//! Where in the spec things were written: a blob of its own, so that moving a line changes no slice.

use std::collections::BTreeMap;
use std::sync::Arc;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::container::{ContainerError, Form, Sections};
use crate::limits;
use crate::number::wide;
use crate::records::{NONE, Span, Text};

const FORM: Form = Form {
    magic: *b"WEFTORG\n",
    format: 1,
    name: "origins blob of a Weft snapshot",
    kinds: 5,
};

const STRINGS: u32 = 1;
const FILES: u32 = 2;
const NODES: u32 = 3;
const PLACES: u32 = 4;
const SETTINGS: u32 = 5;

/// A line of a file, by the file's position in [`OriginsPlan::files`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// The file.
    pub file: u32,
    /// The line, from 1.
    pub line: u32,
}

/// Where the effective settings of a route were written; absent for built-in defaults.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SettingPlaces {
    /// `timeout.request`.
    pub request: Option<Place>,
    /// `timeout.backendRequest`.
    pub backend_request: Option<Place>,
    /// `timeout.connect`.
    pub connect: Option<Place>,
    /// `timeout.idle`.
    pub idle: Option<Place>,
    /// `retry`.
    pub retry: Option<Place>,
}

/// Where one route was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RouteOrigin {
    /// Its rule, call or permission.
    pub rule: Place,
    /// Its settings.
    pub settings: SettingPlaces,
}

/// The origins of a snapshot, as plain values.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OriginsPlan {
    /// The files of the spec, relative to its root, sorted.
    pub files: Vec<String>,
    /// For each node the origins of its routes, in the order of the slice (tables, hosts, routes), and
    /// behind them those of its permissions.
    pub nodes: BTreeMap<String, Vec<RouteOrigin>>,
}

/// Why bytes are not origins.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OriginsError {
    /// The container is broken.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// The blob is larger than any may be.
    #[error("the origins have more than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: u64,
    },
    /// A record is broken.
    #[error("the origins are broken: {what}")]
    Broken {
        /// How.
        what: &'static str,
    },
}

#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    FromBytes,
    Hash,
    Immutable,
    IntoBytes,
    KnownLayout,
    Ord,
    PartialEq,
    PartialOrd,
    Unaligned,
)]
#[repr(C)]
struct PlaceRecord {
    file: U32,
    line: U32,
}

#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
struct NodeRecord {
    name: Text,
    routes: Span,
}

#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
struct RouteRecord {
    rule: PlaceRecord,
    settings: U32,
}

#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
struct SettingsRecord {
    places: [PlaceRecord; 5],
}

/// Checked origins, read in place.
#[derive(Debug)]
pub struct Origins {
    // A `Vec`, because shrinking it to a box would copy megabytes.
    bytes: Vec<u8>,
    sections: Sections,
}

/// The origins of one node.
#[derive(Clone, Debug)]
pub struct NodeOrigins {
    origins: Option<Arc<Origins>>,
    start: u32,
    count: u32,
}

/// Where one route was written, with file names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OriginView<'o> {
    /// The rule.
    pub rule: (&'o str, u32),
    /// `timeout.request`.
    pub request: Option<(&'o str, u32)>,
    /// `timeout.backendRequest`.
    pub backend_request: Option<(&'o str, u32)>,
    /// `timeout.connect`.
    pub connect: Option<(&'o str, u32)>,
    /// `timeout.idle`.
    pub idle: Option<(&'o str, u32)>,
    /// `retry`.
    pub retry: Option<(&'o str, u32)>,
}

impl Origins {
    /// Checks `bytes` and takes them.
    ///
    /// # Errors
    ///
    /// [`OriginsError`] says the first thing that is wrong.
    pub fn check(bytes: Vec<u8>) -> Result<Self, OriginsError> {
        if limits::ORIGINS_BYTES < u64::try_from(bytes.len()).unwrap_or(u64::MAX) {
            return Err(OriginsError::TooLarge {
                limit: limits::ORIGINS_BYTES,
            });
        }
        let sections = Sections::read(&bytes, FORM)?;
        let origins = Self { bytes, sections };
        origins
            .check_records()
            .map_err(|what| OriginsError::Broken { what })?;
        Ok(origins)
    }

    fn check_records(&self) -> Result<(), &'static str> {
        let has_whole_records = self.has_whole::<Text>(FILES)
            && self.has_whole::<NodeRecord>(NODES)
            && self.has_whole::<RouteRecord>(PLACES)
            && self.has_whole::<SettingsRecord>(SETTINGS);
        if !has_whole_records {
            return Err("a section ends within a record");
        }
        let strings =
            str::from_utf8(self.sections.bytes(&self.bytes, STRINGS)).map_err(|_| "not UTF-8")?;
        let is_text = |text: &Text| {
            let start = wide(text.offset.get());
            strings
                .get(start..start.saturating_add(wide(text.length.get())))
                .is_some()
        };
        let files = self.section::<Text>(FILES);
        let is_place =
            |place: &PlaceRecord| place.file.get() == NONE || wide(place.file.get()) < files.len();
        let routes = self.section::<RouteRecord>(PLACES);
        let settings = self.section::<SettingsRecord>(SETTINGS);
        let nodes = self.section::<NodeRecord>(NODES);
        let fits = |span: &Span| {
            wide(span.start.get()).saturating_add(wide(span.count.get())) <= routes.len()
        };
        let holds = files.iter().all(is_text)
            && nodes
                .iter()
                .all(|node| is_text(&node.name) && fits(&node.routes))
            && nodes.is_sorted_by_key(|node| self.text(node.name))
            && routes
                .iter()
                .all(|route| is_place(&route.rule) && wide(route.settings.get()) < settings.len())
            && settings
                .iter()
                .all(|settings| settings.places.iter().all(is_place));
        if holds {
            Ok(())
        } else {
            Err("a record is out of range")
        }
    }

    fn has_whole<T>(&self, kind: u32) -> bool {
        self.sections
            .bytes(&self.bytes, kind)
            .len()
            .is_multiple_of(size_of::<T>())
    }

    fn section<T: FromBytes + Immutable + KnownLayout + Unaligned>(&self, kind: u32) -> &[T] {
        <[T]>::ref_from_bytes(self.sections.bytes(&self.bytes, kind)).unwrap_or_default()
    }

    fn text(&self, text: Text) -> &str {
        let start = wide(text.offset.get());
        let end = start.saturating_add(wide(text.length.get()));
        let strings = self.sections.bytes(&self.bytes, STRINGS);
        strings
            .get(start..end)
            .and_then(|bytes| str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }

    fn place(&self, place: PlaceRecord) -> Option<(&str, u32)> {
        let file = self.section::<Text>(FILES).get(wide(place.file.get()))?;
        Some((self.text(*file), place.line.get()))
    }

    /// The origins of `node`; of no routes when the node is not known.
    pub fn node(self: &Arc<Self>, node: &str) -> NodeOrigins {
        let nodes = self.section::<NodeRecord>(NODES);
        let found = nodes.binary_search_by(|record| self.text(record.name).cmp(node));
        let span = found
            .ok()
            .and_then(|at| nodes.get(at))
            .map(|record| record.routes);
        NodeOrigins {
            origins: Some(Arc::clone(self)),
            start: span.map_or(0, |span| span.start.get()),
            count: span.map_or(0, |span| span.count.get()),
        }
    }
}

impl NodeOrigins {
    /// Origins of nothing.
    pub fn unknown() -> Self {
        Self {
            origins: None,
            start: 0,
            count: 0,
        }
    }

    /// File and line of the route at a position of the slice, or of a permission behind all routes.
    pub fn route(&self, index: u32) -> Option<(&str, u32)> {
        let (origins, record) = self.record(index)?;
        origins.place(record.rule)
    }

    /// Where the route and all its settings were written.
    pub fn view(&self, index: u32) -> Option<OriginView<'_>> {
        let (origins, record) = self.record(index)?;
        let settings = origins
            .section::<SettingsRecord>(SETTINGS)
            .get(wide(record.settings.get()))?;
        let [request, backend_request, connect, idle, retry] =
            settings.places.map(|place| origins.place(place));
        let rule = origins.place(record.rule)?;
        Some(OriginView {
            rule,
            request,
            backend_request,
            connect,
            idle,
            retry,
        })
    }

    fn record(&self, index: u32) -> Option<(&Origins, &RouteRecord)> {
        let origins = self.origins.as_deref()?;
        if self.count <= index {
            return None;
        }
        let at = wide(self.start).checked_add(wide(index))?;
        Some((origins, origins.section::<RouteRecord>(PLACES).get(at)?))
    }
}

#[cfg(feature = "build")]
impl OriginsPlan {
    /// The bytes of the blob; the same plan gives the same bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut strings = String::new();
        let number = |length: usize| U32::new(u32::try_from(length).unwrap_or(u32::MAX));
        let mut add = |text: &str| {
            let place = Text {
                offset: number(strings.len()),
                length: number(text.len()),
            };
            strings.push_str(text);
            place
        };
        let files: Vec<Text> = self.files.iter().map(|file| add(file)).collect();
        let (mut routes, mut nodes) = (Vec::new(), Vec::new());
        let mut settings: BTreeMap<SettingPlaces, u32> = BTreeMap::new();
        let mut settings_records: Vec<SettingsRecord> = Vec::new();
        for (node, origins) in &self.nodes {
            let start = routes.len();
            for origin in origins {
                let next = u32::try_from(settings_records.len()).unwrap_or(u32::MAX);
                let position = *settings.entry(origin.settings).or_insert_with(|| {
                    settings_records.push(settings_record(&origin.settings));
                    next
                });
                routes.push(RouteRecord {
                    rule: place_record(Some(origin.rule)),
                    settings: U32::new(position),
                });
            }
            let span = Span {
                start: number(start),
                count: number(routes.len() - start),
            };
            nodes.push(NodeRecord {
                name: add(node),
                routes: span,
            });
        }
        let sections = [
            strings.into_bytes(),
            files.as_bytes().to_vec(),
            nodes.as_bytes().to_vec(),
            routes.as_bytes().to_vec(),
            settings_records.as_bytes().to_vec(),
        ];
        crate::container::write(FORM, &sections)
    }
}

#[cfg(feature = "build")]
fn place_record(place: Option<Place>) -> PlaceRecord {
    PlaceRecord {
        file: U32::new(place.map_or(NONE, |place| place.file)),
        line: U32::new(place.map_or(0, |place| place.line)),
    }
}

#[cfg(feature = "build")]
fn settings_record(places: &SettingPlaces) -> SettingsRecord {
    let SettingPlaces {
        request,
        backend_request,
        connect,
        idle,
        retry,
    } = *places;
    SettingsRecord {
        places: [request, backend_request, connect, idle, retry].map(place_record),
    }
}
