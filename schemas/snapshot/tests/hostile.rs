//! Hostile bytes: whatever is done to a slice, reading it never panics and never runs away.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that meets the unexpected is to stop there"
)]

mod common;

use weft_snapshot::origins::{Origins, OriginsPlan};
use weft_snapshot::{Request, Slice, SliceError};

type Break = fn(&mut weft_snapshot::plan::NodePlan);

/// Uses everything of a slice that was accepted.
fn exercise(bytes: Vec<u8>, random: &mut fastrand::Rng) {
    let Ok(slice) = Slice::check(bytes) else {
        return;
    };
    let plan = slice.plan();
    for _ in 0..8 {
        let asked = common::asked(random);
        let request = Request {
            method: &asked.method,
            host: &asked.host,
            path: &asked.path,
            query: asked.query.as_deref(),
            headers: &asked.headers,
        };
        for table in 0..u32::try_from(plan.tables.len()).unwrap() {
            if let Ok(Some(route)) = slice.decide(table, &request)
                && let Some(rewrite) = route.outcome().path()
            {
                rewrite.apply(&asked.path);
            }
        }
        slice.authorize("spiffe://m/a", &asked.method, &asked.path);
    }
}

#[test]
fn flipped_bytes_never_panic() {
    for seed in 0..40 {
        let mut random = fastrand::Rng::with_seed(seed);
        let bytes = common::plan(&mut random).encode().unwrap();
        for _ in 0..250 {
            let mut mutated = bytes.clone();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..mutated.len());
                mutated[at] = if random.bool() {
                    random.u8(..)
                } else {
                    mutated[at] ^ (1 << random.u8(..8))
                };
            }
            exercise(mutated, &mut random);
        }
    }
}

#[test]
fn extreme_numbers_never_panic() {
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        let bytes = common::plan(&mut random).encode().unwrap();
        for _ in 0..250 {
            let mut mutated = bytes.clone();
            let at = random.usize(..mutated.len() - 4);
            let number = [0, 1, u32::MAX, u32::MAX - 1, 1 << 31, 0xffff][random.usize(..6)];
            mutated[at..at + 4].copy_from_slice(&number.to_le_bytes());
            exercise(mutated, &mut random);
        }
    }
}

#[test]
fn every_cut_is_refused() {
    let bytes = common::plan(&mut fastrand::Rng::with_seed(1))
        .encode()
        .unwrap();
    for length in 0..bytes.len() {
        assert!(
            Slice::check_borrowed(&bytes[..length]).is_err(),
            "{length} bytes"
        );
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(Slice::check(longer).is_err());
}

#[test]
fn a_required_section_of_the_future_is_refused_and_an_optional_one_is_skipped() {
    let bytes = common::plan(&mut fastrand::Rng::with_seed(1))
        .encode()
        .unwrap();
    let with_section = |flags: u8| {
        let mut longer = bytes.clone();
        let sections = bytes[12];
        longer[12] += 1;
        let mut entry = [0_u8; 24];
        entry[0] = sections + 1;
        entry[4] = flags;
        let table_end = 24 + 24 * usize::from(sections);
        longer.splice(table_end..table_end, entry);
        // Every section moved by one entry; the new one is empty and last.
        for position in 0..usize::from(sections) {
            let at = 24 + 24 * position + 8;
            let offset = u64::from_le_bytes(longer[at..at + 8].try_into().unwrap()) + 24;
            longer[at..at + 8].copy_from_slice(&offset.to_le_bytes());
        }
        let length = u64::try_from(longer.len()).unwrap().to_le_bytes();
        longer[table_end + 8..table_end + 16].copy_from_slice(&length);
        longer[16..24].copy_from_slice(&length);
        longer
    };
    assert!(Slice::check(with_section(0)).is_ok());
    let refused = Slice::check(with_section(1)).unwrap_err();
    assert!(matches!(
        refused,
        SliceError::Container(weft_snapshot::ContainerError::UnknownSection { kind: 23 })
    ));
}

#[test]
fn an_unknown_field_of_the_settings_is_refused() {
    let plan = common::plan(&mut fastrand::Rng::with_seed(1));
    let text = serde_json::to_string(&plan.settings).unwrap();
    // The same length, so that nothing else is wrong.
    let bytes = plan.encode().unwrap();
    let at = bytes
        .windows(text.len())
        .position(|window| window == text.as_bytes())
        .unwrap();
    let mut renamed = bytes;
    let field = text.find("trustedHops").unwrap();
    renamed[at + field] = b'T';
    assert!(matches!(
        Slice::check(renamed),
        Err(SliceError::Settings { .. })
    ));
}

#[test]
fn plans_that_break_a_rule_are_refused_by_the_encoder() {
    let broken: [(&str, Break); 10] = [
        ("no routes", |plan| {
            plan.tables.iter_mut().for_each(|table| table.hosts.clear());
        }),
        ("no listeners", |plan| plan.settings.listeners.clear()),
        ("port 0", |plan| plan.settings.listeners[0].port = 0),
        ("a default certificate without TLS", |plan| {
            plan.settings.listeners[0].default_certificate = Some(0);
        }),
        ("heads beyond what a proxy reads", |plan| {
            plan.settings.listeners[0].heads.limits.fields = 101;
        }),
        ("connections kept for days", |plan| {
            plan.settings.clusters[0].keep_alive_millis = 86_400_001;
        }),
        ("a host that is none", |plan| {
            plan.settings.clusters[0].host = Some("a b".to_owned());
        }),
        ("a cluster twice", |plan| {
            "s".clone_into(&mut plan.settings.clusters[1].name);
        }),
        ("a cluster that is not there", |plan| {
            plan.settings.clusters.clear();
        }),
        ("no attempts", |plan| {
            plan.tables[0].hosts[0].routes[0]
                .outcome
                .policy
                .retry
                .attempts = 0;
        }),
    ];
    for (name, break_it) in broken {
        let mut plan = (0..1_000)
            .map(|seed| common::plan(&mut fastrand::Rng::with_seed(seed)))
            .find(|plan| {
                !plan.tables[0].hosts.is_empty() && format!("{plan:?}").contains("Forward")
            })
            .unwrap();
        break_it(&mut plan);
        assert!(plan.encode().is_err(), "{name}");
        assert!(
            Slice::check(plan.encode_unchecked().unwrap()).is_err(),
            "{name}"
        );
    }
}

#[test]
fn mutated_origins_never_panic() {
    use weft_snapshot::origins::{Level, Overridden, Place, RouteOrigin, SettingPlace};
    let place = |line| Place { file: 1, line };
    let origin = |line| RouteOrigin {
        rule: place(line),
        settings: vec![SettingPlace {
            setting: 0,
            place: place(2),
        }],
        over: vec![Overridden {
            setting: 1,
            level: Level::Service,
            value: format!("{line}s"),
            place: place(1),
        }],
    };
    let plan = OriginsPlan {
        settings: vec!["timeout.request".to_owned(), "timeout.idle".to_owned()],
        files: vec!["a.yaml".to_owned(), "b.yaml".to_owned()],
        nodes: [("gateway/public".to_owned(), vec![origin(3), origin(9)])].into(),
    };
    let bytes = plan.encode();
    let origins = std::sync::Arc::new(Origins::check(bytes.clone()).unwrap());
    assert_eq!(origins.node("gateway/public").route(1), Some(("b.yaml", 9)));
    assert_eq!(
        origins.node("gateway/public").setting(0, "timeout.request"),
        Some(("b.yaml", 2))
    );
    let node = origins.node("gateway/public");
    assert_eq!(node.setting(0, "timeout.idle"), None);
    let over = node.overridden(1, "timeout.idle");
    assert_eq!((over.len(), over[0].level), (1, Level::Service));
    assert_eq!((over[0].value, over[0].place), ("9s", ("b.yaml", 1)));
    assert_eq!(origins.node("gateway/other").route(0), None);
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..5_000 {
        let mut mutated = bytes.clone();
        let at = random.usize(..mutated.len());
        mutated[at] = random.u8(..);
        if let Ok(origins) = Origins::check(mutated) {
            let node = std::sync::Arc::new(origins).node("gateway/public");
            for route in 0..3 {
                std::hint::black_box((
                    node.setting(route, "timeout.request").is_some(),
                    node.overridden(route, "timeout.idle").len(),
                ));
            }
        }
    }
}
