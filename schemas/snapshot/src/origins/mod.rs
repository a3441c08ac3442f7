//! Where in the spec things were written: a blob of its own, so that moving a line changes no slice.

#[cfg(feature = "build")]
mod encode;

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
    format: 3,
    name: "origins blob of a Weft snapshot",
    kinds: 8,
};

const STRINGS: u32 = 1;
const FILES: u32 = 2;
const NODES: u32 = 3;
const PLACES: u32 = 4;
const SETTINGS: u32 = 5;
const OVERRIDDEN: u32 = 6;
const SETTING_PLACES: u32 = 7;
const NAMES: u32 = 8;

/// A line of a file, by the file's position in [`OriginsPlan::files`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// The file.
    pub file: u32,
    /// The line, from 1.
    pub line: u32,
}

/// Where the effective value of a setting was written.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SettingPlace {
    /// The setting, by position in [`OriginsPlan::settings`].
    pub setting: u32,
    /// Where.
    pub place: Place,
}

/// Who says something of a setting; a later one is more specific.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// The defaults of the mesh.
    Mesh,
    /// The listener.
    Listener,
    /// The service called.
    Service,
    /// The call.
    Call,
    /// The rule.
    Rule,
}

/// What a level says of a setting that another one decides.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Overridden {
    /// The setting, by position in [`OriginsPlan::settings`].
    pub setting: u32,
    /// The level.
    pub level: Level,
    /// What it says, as a spec writes it.
    pub value: String,
    /// Where it says so.
    pub place: Place,
}

/// Where one route was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RouteOrigin {
    /// Its rule, call or permission.
    pub rule: Place,
    /// Its settings, but those that are built in.
    pub settings: Vec<SettingPlace>,
    /// What others say of its settings, the most specific level of each first.
    pub over: Vec<Overridden>,
}

/// The origins of a snapshot, as plain values.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OriginsPlan {
    /// The names of the settings that the origins speak of: `timeout.request`.
    pub settings: Vec<String>,
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
    /// In `SETTING_PLACES`.
    places: Span,
    /// In `OVERRIDDEN`.
    over: Span,
}

#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
struct SettingPlaceRecord {
    /// In `NAMES`.
    setting: U32,
    place: PlaceRecord,
}

#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
struct OverriddenRecord {
    /// In `NAMES`.
    setting: U32,
    /// A position in `LEVELS`.
    level: U32,
    value: Text,
    place: PlaceRecord,
}

/// The levels in the order of their numbers.
const LEVELS: [Level; 5] = [
    Level::Mesh,
    Level::Listener,
    Level::Service,
    Level::Call,
    Level::Rule,
];

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

/// A line of a file, by the name of the file.
pub type PlaceView<'o> = (&'o str, u32);

/// What a level says of a setting that another one decides, with the name of the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OverriddenView<'o> {
    /// The level.
    pub level: Level,
    /// What it says, as a spec writes it.
    pub value: &'o str,
    /// Where it says so.
    pub place: PlaceView<'o>,
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
            && self.has_whole::<SettingsRecord>(SETTINGS)
            && self.has_whole::<OverriddenRecord>(OVERRIDDEN)
            && self.has_whole::<SettingPlaceRecord>(SETTING_PLACES)
            && self.has_whole::<Text>(NAMES);
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
        let over = self.section::<OverriddenRecord>(OVERRIDDEN);
        let places = self.section::<SettingPlaceRecord>(SETTING_PLACES);
        let names = self.section::<Text>(NAMES);
        let fits = |span: &Span, length: usize| {
            wide(span.start.get()).saturating_add(wide(span.count.get())) <= length
        };
        let holds = files.iter().chain(names).all(is_text)
            && nodes
                .iter()
                .all(|node| is_text(&node.name) && fits(&node.routes, routes.len()))
            && nodes.is_sorted_by_key(|node| self.text(node.name))
            && routes
                .iter()
                .all(|route| is_place(&route.rule) && wide(route.settings.get()) < settings.len())
            && settings.iter().all(|settings| {
                fits(&settings.places, places.len()) && fits(&settings.over, over.len())
            })
            && places
                .iter()
                .all(|known| wide(known.setting.get()) < names.len() && is_place(&known.place))
            && over.iter().all(|over| {
                let is_known =
                    wide(over.setting.get()) < names.len() && wide(over.level.get()) < LEVELS.len();
                is_known && is_text(&over.value) && is_place(&over.place)
            });
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

    fn setting_name(&self, position: U32) -> &str {
        let name = self.section::<Text>(NAMES).get(wide(position.get()));
        name.map_or("", |name| self.text(*name))
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

    /// Where the effective value of a setting of the route was written; none for what is built in.
    pub fn setting(&self, index: u32, setting: &str) -> Option<PlaceView<'_>> {
        let (origins, settings) = self.settings(index)?;
        let all = origins.section::<SettingPlaceRecord>(SETTING_PLACES);
        let mut known = crate::slice::part(all, settings.places).iter();
        let found = known.find(|known| origins.setting_name(known.setting) == setting)?;
        origins.place(found.place)
    }

    /// What other levels say of a setting of the route, the most specific level first.
    pub fn overridden(&self, index: u32, setting: &str) -> Vec<OverriddenView<'_>> {
        let Some((origins, settings)) = self.settings(index) else {
            return Vec::new();
        };
        let all = origins.section::<OverriddenRecord>(OVERRIDDEN);
        let over = crate::slice::part(all, settings.over).iter();
        let over = over.filter(|over| origins.setting_name(over.setting) == setting);
        let views = over.filter_map(|over| {
            Some(OverriddenView {
                level: *LEVELS.get(wide(over.level.get()))?,
                value: origins.text(over.value),
                place: origins.place(over.place)?,
            })
        });
        views.collect()
    }

    fn settings(&self, index: u32) -> Option<(&Origins, &SettingsRecord)> {
        let (origins, record) = self.record(index)?;
        let settings = origins.section::<SettingsRecord>(SETTINGS);
        Some((origins, settings.get(wide(record.settings.get()))?))
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
