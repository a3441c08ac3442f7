//! Writes origins; equal settings, equal lists of what is overridden and equal texts are stored once.

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
        let mut texts = Texts::default();
        let files: Vec<Text> = self.files.iter().map(|file| texts.add(file)).collect();
        let (mut routes, mut nodes) = (Vec::new(), Vec::new());
        let names: Vec<Text> = self.settings.iter().map(|name| texts.add(name)).collect();
        let mut settings: BTreeMap<(&[SettingPlace], (u32, u32)), u32> = BTreeMap::new();
        let mut settings_records: Vec<SettingsRecord> = Vec::new();
        let mut place_records: Vec<SettingPlaceRecord> = Vec::new();
        let mut overridden = AllOverridden::default();
        for (node, origins) in &self.nodes {
            let start = routes.len();
            for origin in origins {
                let over = overridden.add(&origin.over, &mut texts);
                let next = number(settings_records.len());
                let key = (
                    origin.settings.as_slice(),
                    (over.start.get(), over.count.get()),
                );
                let position = *settings.entry(key).or_insert_with(|| {
                    let start = place_records.len();
                    place_records.extend(origin.settings.iter().map(setting_place_record));
                    let places = span(start, place_records.len());
                    settings_records.push(SettingsRecord { places, over });
                    next.get()
                });
                routes.push(RouteRecord {
                    rule: place_record(Some(origin.rule)),
                    settings: U32::new(position),
                });
            }
            nodes.push(NodeRecord {
                name: texts.add(node),
                routes: span(start, routes.len()),
            });
        }
        let sections: [&[u8]; 8] = [
            texts.all.as_bytes(),
            files.as_bytes(),
            nodes.as_bytes(),
            routes.as_bytes(),
            settings_records.as_bytes(),
            overridden.records.as_bytes(),
            place_records.as_bytes(),
            names.as_bytes(),
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

/// Texts behind one another, each once.
#[derive(Default)]
struct Texts<'plan> {
    all: String,
    known: BTreeMap<&'plan str, Text>,
}

impl<'plan> Texts<'plan> {
    fn add(&mut self, text: &'plan str) -> Text {
        *self.known.entry(text).or_insert_with(|| {
            let offset = number(self.all.len());
            self.all.push_str(text);
            Text {
                offset,
                length: number(text.len()),
            }
        })
    }
}

/// Lists of what is overridden, each once: the callers of a service meet the same one.
#[derive(Default)]
struct AllOverridden<'plan> {
    records: Vec<OverriddenRecord>,
    known: BTreeMap<&'plan [Overridden], Span>,
}

impl<'plan> AllOverridden<'plan> {
    fn add(&mut self, list: &'plan [Overridden], texts: &mut Texts<'plan>) -> Span {
        *self.known.entry(list).or_insert_with(|| {
            let start = self.records.len();
            let list = list.iter();
            self.records
                .extend(list.map(|one| overridden_record(one, texts)));
            span(start, self.records.len())
        })
    }
}

fn overridden_record<'plan>(over: &'plan Overridden, texts: &mut Texts<'plan>) -> OverriddenRecord {
    let level = LEVELS.iter().position(|one| *one == over.level);
    OverriddenRecord {
        setting: U32::new(over.setting),
        level: level.map_or(U32::new(NONE), number),
        value: texts.add(&over.value),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origins::{Level, Origins, RouteOrigin};

    #[test]
    fn what_several_routes_meet_is_stored_once() {
        let place = |line| Place { file: 0, line };
        let over = |value: &str| Overridden {
            setting: 0,
            level: Level::Service,
            value: value.to_owned(),
            place: place(1),
        };
        let route = |line: u32, list: Vec<Overridden>| RouteOrigin {
            rule: place(line),
            settings: vec![SettingPlace {
                setting: 0,
                place: place(line),
            }],
            over: list,
        };
        let (same, other) = (|| vec![over("2s"), over("3s")], vec![over("2s")]);
        let routes = vec![route(1, same()), route(2, same()), route(3, other)];
        let plan = OriginsPlan {
            settings: vec!["timeout.request".to_owned()],
            files: vec!["a.yaml".to_owned()],
            nodes: [("service/a".to_owned(), routes)].into(),
        };
        let origins = Origins::check(plan.encode()).unwrap();
        assert_eq!(
            origins
                .section::<OverriddenRecord>(super::super::OVERRIDDEN)
                .len(),
            3
        );
        let node = std::sync::Arc::new(origins).node("service/a");
        let values = |route| {
            let over = node.overridden(route, "timeout.request");
            over.iter()
                .map(|one| one.value.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(values(0), ["2s", "3s"]);
        assert_eq!(values(1), ["2s", "3s"]);
        assert_eq!(values(2), ["2s"]);
        assert_eq!(node.setting(1, "timeout.request"), Some(("a.yaml", 2)));
    }
}
