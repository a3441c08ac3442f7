//! Writes origins; equal settings are stored once.

use std::collections::BTreeMap;

use zerocopy::IntoBytes;
use zerocopy::little_endian::U32;

use super::{
    FORM, LEVELS, NodeRecord, OriginsPlan, Overridden, OverriddenRecord, Place, PlaceRecord,
    RouteRecord, SettingPlace, SettingPlaceRecord, SettingsRecord,
};
use crate::records::{NONE, Span, Text};

impl OriginsPlan {
    /// The bytes of the blob; the same plan gives the same bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut strings = String::new();
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
        let names: Vec<Text> = self.settings.iter().map(|name| add(name)).collect();
        let mut settings: BTreeMap<(&[SettingPlace], &[Overridden]), u32> = BTreeMap::new();
        let mut settings_records: Vec<SettingsRecord> = Vec::new();
        let mut place_records: Vec<SettingPlaceRecord> = Vec::new();
        let mut over_records: Vec<OverriddenRecord> = Vec::new();
        for (node, origins) in &self.nodes {
            let start = routes.len();
            for origin in origins {
                let next = u32::try_from(settings_records.len()).unwrap_or(u32::MAX);
                let key = (origin.settings.as_slice(), origin.over.as_slice());
                let position = *settings.entry(key).or_insert_with(|| {
                    let starts = (place_records.len(), over_records.len());
                    place_records.extend(origin.settings.iter().map(setting_place_record));
                    let over = origin.over.iter();
                    over_records.extend(over.map(|over| overridden_record(over, &mut add)));
                    settings_records.push(SettingsRecord {
                        places: span(starts.0, place_records.len()),
                        over: span(starts.1, over_records.len()),
                    });
                    next
                });
                routes.push(RouteRecord {
                    rule: place_record(Some(origin.rule)),
                    settings: U32::new(position),
                });
            }
            nodes.push(NodeRecord {
                name: add(node),
                routes: span(start, routes.len()),
            });
        }
        let sections = [
            strings.into_bytes(),
            files.as_bytes().to_vec(),
            nodes.as_bytes().to_vec(),
            routes.as_bytes().to_vec(),
            settings_records.as_bytes().to_vec(),
            over_records.as_bytes().to_vec(),
            place_records.as_bytes().to_vec(),
            names.as_bytes().to_vec(),
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

fn setting_place_record(known: &SettingPlace) -> SettingPlaceRecord {
    SettingPlaceRecord {
        setting: U32::new(known.setting),
        place: place_record(Some(known.place)),
    }
}

fn overridden_record(over: &Overridden, add: &mut impl FnMut(&str) -> Text) -> OverriddenRecord {
    let level = LEVELS.iter().position(|one| *one == over.level);
    OverriddenRecord {
        setting: U32::new(over.setting),
        level: level.map_or(U32::new(NONE), number),
        value: add(&over.value),
        place: place_record(Some(over.place)),
    }
}

fn number(length: usize) -> U32 {
    U32::new(u32::try_from(length).unwrap_or(u32::MAX))
}

fn span(start: usize, end: usize) -> Span {
    Span {
        start: number(start),
        count: number(end - start),
    }
}
