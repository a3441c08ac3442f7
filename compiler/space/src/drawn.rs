//! Random tables and requests for the tests of the algebra.
//!
//! The generator is seeded, so that a failure repeats. Tables are over all dimensions, and small enough for requests to hit.

use std::cell::RefCell;

use weft_snapshot::canonical;
use weft_snapshot::plan::{Condition, PathPattern, Segment, ValueTest};
use weft_snapshot::settings::{PathRules, Slashes};
use weft_testing::Random;

use super::Difference;
use super::entry::{Conditions, Entry, Repeats};
use super::matches::{Match, matched};
use super::request::WitnessRequest;
use crate::languages::Languages;

const EXPRESSIONS: [&str; 10] = [
    "/a//b?",
    "/[^a]*/b",
    "/a/[a-c]+",
    "/[ab]/.*",
    "/.*b",
    "/a(/b)?",
    "/[^/]+/b/?",
    "/a/b|/c",
    ".*",
    "/c/%2[0-9A-F]",
];
const VALUES: [&str; 4] = ["1", "2", "v1", ""];
/// Two headers of one line, a list, and the one that is joined in its own way.
const HEADERS: [&str; 4] = ["x-a", "x-b", "accept", "cookie"];

fn path(random: &mut Random) -> PathPattern {
    if random.one_in(4) {
        return PathPattern::Regex {
            regex: random.pick(&EXPRESSIONS).to_owned(),
        };
    }
    let mut segments = Vec::new();
    for _ in 0..random.below(4) {
        segments.push(match random.pick(&["a", "b", "c", "*"]) {
            "*" => Segment::Any {
                name: format!("s{}", segments.len()),
            },
            text => Segment::Literal {
                text: text.to_owned(),
            },
        });
    }
    let rest = random.one_in(3);
    if !rest && (segments.is_empty() || random.one_in(6)) {
        segments.push(Segment::Literal {
            text: String::new(),
        });
    }
    PathPattern::Segments { segments, rest }
}

fn tests(random: &mut Random, names: &[&str]) -> Vec<Condition> {
    let mut found = Vec::new();
    for name in names {
        if random.one_in(if name.starts_with("x-") { 3 } else { 8 }) {
            let test = match random.below(5) {
                0 => ValueTest::Absent,
                1 => ValueTest::Present,
                2 => ValueTest::Regex {
                    regex: random
                        .pick(&["[0-9]+", "v?1", ".*", "[^1]*", "1[,;] 2"])
                        .to_owned(),
                },
                _ => ValueTest::Exact {
                    text: random.pick(&VALUES).to_owned(),
                },
            };
            found.push(Condition {
                name: (*name).to_owned(),
                test,
            });
        }
    }
    found
}

fn conditions(random: &mut Random, with_sources: bool) -> Conditions {
    let some = |random: &mut Random, all: &[&str]| -> Vec<String> {
        let mut found: Vec<String> = all.iter().map(|one| (*one).to_owned()).collect();
        found.retain(|_| random.one_in(2));
        found
    };
    Conditions {
        methods: some(random, &["GET", "POST"]),
        headers: tests(random, &HEADERS),
        query: tests(random, &["x-q"]),
        sources: (with_sources && random.one_in(2)).then(|| {
            let mut sources = some(random, &["s1", "s2", "m/k/1", "m/k/*", "m/**"]);
            sources.push("s3".to_owned());
            sources
        }),
        repeats: Repeats::Refused,
    }
}

/// A table, and what becomes of the requests of each entry.
pub(super) struct Drawn {
    pub(super) rules: PathRules,
    paths: Vec<PathPattern>,
    conditions: Vec<Conditions>,
    actions: Vec<u32>,
    pub(super) languages: RefCell<Languages>,
}

impl Drawn {
    pub(super) fn new(random: &mut Random, with_sources: bool) -> Self {
        let count = 1 + random.below(7);
        let slashes = if random.one_in(3) {
            Slashes::Keep
        } else {
            Slashes::Merge
        };
        Self {
            rules: PathRules {
                slashes,
                ..PathRules::default()
            },
            paths: (0..count).map(|_| path(random)).collect(),
            conditions: (0..count)
                .map(|_| conditions(random, with_sources))
                .collect(),
            actions: (0..count)
                .map(|_| u32::try_from(random.below(3)).unwrap_or_default())
                .collect(),
            languages: RefCell::default(),
        }
    }

    /// The same table after one small edit.
    pub(super) fn edited(&self, random: &mut Random) -> Self {
        let mut drawn = Self {
            rules: self.rules,
            paths: self.paths.clone(),
            conditions: self.conditions.clone(),
            actions: self.actions.clone(),
            languages: RefCell::default(),
        };
        let at = random.below(drawn.paths.len());
        match random.below(4) {
            0 => drawn.paths[at] = path(random),
            1 => drawn.conditions[at] = conditions(random, false),
            2 => drawn.actions[at] = 3,
            _ => {
                drawn.paths.remove(at);
                drawn.conditions.remove(at);
                drawn.actions.remove(at);
            }
        }
        drawn
    }

    pub(super) fn entries(&self) -> Vec<Entry<'_>> {
        let parts = self.paths.iter().zip(&self.conditions);
        parts
            .map(|(path, conditions)| Entry {
                path,
                conditions: conditions.clone(),
            })
            .collect()
    }

    /// The entry that takes a request or refuses it, and whether it refuses it.
    pub(super) fn fate(&self, request: &WitnessRequest) -> Option<(usize, bool)> {
        let mut languages = self.languages.borrow_mut();
        let entries = self.entries();
        let mut entries = entries.iter().enumerate();
        entries.find_map(
            |(at, entry)| match matched(entry, request, &mut languages) {
                Match::Passes => None,
                Match::Takes => Some((at, false)),
                Match::Refuses => Some((at, true)),
            },
        )
    }

    pub(super) fn taker(&self, request: &WitnessRequest) -> Option<usize> {
        self.fate(request)
            .and_then(|(at, is_refused)| (!is_refused).then_some(at))
    }

    /// What becomes of a request: none is 404, an error 400.
    pub(super) fn action(&self, request: &WitnessRequest) -> Result<Option<u32>, ()> {
        match self.fate(request) {
            None => Ok(None),
            Some((_, true)) => Err(()),
            Some((at, false)) => Ok(Some(self.actions[at])),
        }
    }

    pub(super) fn side(&self) -> Difference<'_> {
        Difference {
            entries: self.entries(),
            actions: self.actions.clone(),
        }
    }
}

/// A request, which may repeat headers.
pub(super) fn request(random: &mut Random, rules: PathRules) -> WitnessRequest {
    let mut request = plain_request(random, rules);
    for name in HEADERS {
        if random.one_in(4) {
            let value = random.pick(&VALUES).as_bytes().to_vec();
            request.headers.push((name.to_owned(), value));
        }
    }
    request
}

/// A request that repeats no header.
pub(super) fn plain_request(random: &mut Random, rules: PathRules) -> WitnessRequest {
    let mut path = String::new();
    for _ in 0..=random.below(3) {
        path.push('/');
        if rules.slashes == Slashes::Keep && random.one_in(4) {
            path.push('/');
        }
        path.push_str(random.pick(&["a", "b", "c", "ab", "%20", "zz"]));
    }
    if random.one_in(5) {
        path.push('/');
    }
    if random.one_in(9) {
        path = "/".to_owned();
    }
    assert_eq!(canonical::path(&path, rules).as_deref(), Ok(path.as_str()));
    let values = ["1", "2", "v1", "", "v", "77", "x 1"];
    let mut headers = Vec::new();
    for name in HEADERS {
        if random.one_in(2) {
            headers.push((name.to_owned(), random.pick(&values).as_bytes().to_vec()));
        }
    }
    let query = random
        .one_in(2)
        .then(|| format!("x-q={}", random.pick(&["1", "2", "v1", "", "77", "%31"])));
    let source = random.pick(&["", "s1", "s2", "s3", "s4", "m/k/1", "m/k/2", "m/2"]);
    WitnessRequest {
        method: random.pick(&["GET", "POST", "PUT"]).to_owned(),
        host: "x.example".to_owned(),
        path,
        query,
        headers,
        source: Some(source.to_owned()).filter(|source| !source.is_empty()),
    }
}
