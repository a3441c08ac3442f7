//! Writes origins; equal settings are stored once.

use std::collections::BTreeMap;

use zerocopy::IntoBytes;
use zerocopy::little_endian::U32;

use super::{
    FORM, LEVELS, NodeRecord, OriginsPlan, Overridden, OverriddenRecord, Place, PlaceRecord,
    RouteRecord, SETTING_KINDS, SettingPlaces, SettingsRecord,
};
use crate::records::{NONE, Span, Text};

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
        let mut settings: BTreeMap<(SettingPlaces, &[Overridden]), u32> = BTreeMap::new();
        let mut settings_records: Vec<SettingsRecord> = Vec::new();
        let mut over_records: Vec<OverriddenRecord> = Vec::new();
        for (node, origins) in &self.nodes {
            let start = routes.len();
            for origin in origins {
                let next = u32::try_from(settings_records.len()).unwrap_or(u32::MAX);
                let key = (origin.settings, origin.over.as_slice());
                let position = *settings.entry(key).or_insert_with(|| {
                    let start = over_records.len();
                    over_records.extend(origin.over.iter().map(overridden_record));
                    let over = Span {
                        start: number(start),
                        count: number(over_records.len() - start),
                    };
                    settings_records.push(settings_record(&origin.settings, over));
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
            over_records.as_bytes().to_vec(),
        ];
        crate::container::write(FORM, &sections)
    }
}

fn place_record(place: Option<Place>) -> PlaceRecord {
    PlaceRecord {
        file: U32::new(place.map_or(NONE, |place| place.file)),
        line: U32::new(place.map_or(0, |place| place.line)),
    }
}

fn settings_record(places: &SettingPlaces, over: Span) -> SettingsRecord {
    let SettingPlaces {
        request,
        backend_request,
        connect,
        idle,
        retry,
    } = *places;
    SettingsRecord {
        places: [request, backend_request, connect, idle, retry].map(place_record),
        over,
    }
}

fn overridden_record(over: &Overridden) -> OverriddenRecord {
    let number = |found: Option<usize>| {
        let found = found.and_then(|at| u32::try_from(at).ok());
        U32::new(found.unwrap_or(NONE))
    };
    let Overridden {
        setting,
        level,
        value,
        place,
    } = over;
    OverriddenRecord {
        setting: number(SETTING_KINDS.iter().position(|one| one == setting)),
        level: number(LEVELS.iter().position(|one| one == level)),
        value: U32::new(*value),
        place: place_record(Some(*place)),
    }
}
