//! Tests of the algebra against a plain interpreter, and against `decide` on encoded slices.
//!
//! Tables are random over all dimensions; the generator is seeded, so that a failure repeats.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};

use weft_snapshot::plan::{
    Action, Condition, HostPlan, NodePlan, Outcome, PathPattern, Retry, RoutePlan, Segment,
    TablePlan, Timeouts, ValueTest,
};
use weft_snapshot::settings::{
    HeadRules, Listener, ListenerSecurity, NodeSettings, PathRules, Role, Slashes,
};
use weft_snapshot::{Headers as _, Slice, canonical};

use super::compare::Region;
use super::entry::{Conditions, Entry, Repeats};
use super::matches::{Match, matched, takes};
use super::request::WitnessRequest;
use super::table::{Listed, Memory, analyse};
use crate::model::automata::Automata;
use crate::model::languages::Languages;
use crate::random::{Random, requests, rounds};

use super::{Difference, common, differences, differences_within};

const TABLES: u32 = 200;
const REQUESTS: u32 = 1_000;

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
            let mut sources = some(random, &["s1", "s2"]);
            sources.push("s3".to_owned());
            sources
        }),
        repeats: Repeats::Refused,
    }
}

struct Drawn {
    rules: PathRules,
    paths: Vec<PathPattern>,
    conditions: Vec<Conditions>,
    actions: Vec<u32>,
    languages: RefCell<Languages>,
}

impl Drawn {
    fn new(random: &mut Random, with_sources: bool) -> Self {
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
                .map(|_| u32::try_from(random.below(3)).unwrap())
                .collect(),
            languages: RefCell::default(),
        }
    }

    /// The same table after one small edit.
    fn edited(&self, random: &mut Random) -> Self {
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

    fn entries(&self) -> Vec<Entry<'_>> {
        let parts = self.paths.iter().zip(&self.conditions);
        parts
            .map(|(path, conditions)| Entry {
                path,
                conditions: conditions.clone(),
            })
            .collect()
    }

    /// The entry that takes a request or refuses it, and whether it refuses it.
    fn fate(&self, request: &WitnessRequest) -> Option<(usize, bool)> {
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

    fn taker(&self, request: &WitnessRequest) -> Option<usize> {
        self.fate(request)
            .and_then(|(at, is_refused)| (!is_refused).then_some(at))
    }

    /// What becomes of a request: none is 404, an error 400.
    fn action(&self, request: &WitnessRequest) -> Result<Option<u32>, ()> {
        match self.fate(request) {
            None => Ok(None),
            Some((_, true)) => Err(()),
            Some((at, false)) => Ok(Some(self.actions[at])),
        }
    }

    fn side(&self) -> Difference<'_> {
        Difference {
            entries: self.entries(),
            actions: self.actions.clone(),
        }
    }
}

/// A request, which may repeat headers.
fn request(random: &mut Random, rules: PathRules) -> WitnessRequest {
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
fn plain_request(random: &mut Random, rules: PathRules) -> WitnessRequest {
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
    let source = random.pick(&["", "s1", "s2", "s3", "s4"]);
    WitnessRequest {
        method: random.pick(&["GET", "POST", "PUT"]).to_owned(),
        host: "x.example".to_owned(),
        path,
        query,
        headers,
        source: Some(source.to_owned()).filter(|source| !source.is_empty()),
    }
}

fn witnesses(
    drawn: &Drawn,
) -> (
    Vec<Option<WitnessRequest>>,
    Option<WitnessRequest>,
    Vec<bool>,
) {
    let taken = analyse(
        &drawn.entries(),
        (drawn.rules, &Automata::default()),
        &Listed,
        &mut Memory::default(),
    )
    .unwrap();
    let made = |sample: &super::table::Sample| WitnessRequest::of_sample("x.example", sample);
    (
        taken
            .sample
            .iter()
            .map(|one| one.as_ref().map(made))
            .collect(),
        taken.uncovered.as_ref().map(made),
        taken.is_matched,
    )
}

#[test]
fn a_witness_is_taken_and_a_dead_entry_never_takes() {
    let (mut dead, mut refused) = (0, 0);
    for seed in 0..rounds(TABLES) {
        let mut random = Random(u64::from(seed));
        let drawn = Drawn::new(&mut random, true);
        let (found, uncovered, is_matched) = witnesses(&drawn);
        for (entry, witness) in found.iter().enumerate() {
            match witness {
                Some(witness) => {
                    assert_eq!(drawn.taker(witness), Some(entry), "{seed}: {witness}");
                    assert!(is_matched[entry]);
                }
                None => dead += 1,
            }
        }
        if let Some(uncovered) = &uncovered {
            assert_eq!(drawn.taker(uncovered), None, "{seed}: {uncovered}");
        }
        for _ in 0..requests(REQUESTS) {
            let request = request(&mut random, drawn.rules);
            match drawn.taker(&request) {
                Some(taker) => assert!(found[taker].is_some(), "{seed}: {taker} takes {request}"),
                None => {
                    let is_refused = drawn.fate(&request).is_some();
                    refused += u32::from(is_refused);
                    let is_known = is_refused || uncovered.is_some();
                    assert!(is_known, "{seed}: nobody takes {request}");
                }
            }
        }
    }
    // The tables are such that both happen often.
    assert!(30 < dead && 1_000 < refused, "{dead}, {refused}");
}

#[test]
fn what_sets_have_in_common_outside_of_others_is_found_if_there_is_any() {
    let (mut some, mut none) = (0, 0);
    for seed in 0..rounds(TABLES) {
        let mut random = Random(u64::from(seed) + 4_000_000);
        let drawn = Drawn::new(&mut random, true);
        let mut entries = drawn.entries();
        for entry in &mut entries {
            entry.conditions.repeats = Repeats::LeftOut;
        }
        let (others, sets) = entries.split_at(random.below(entries.len()));
        let sets: Vec<&Entry<'_>> = sets.iter().take(3).collect();
        let with = (drawn.rules, &Automata::default());
        let found = common(&sets, others, with).unwrap();
        let is_common = |request: &WitnessRequest| {
            let mut languages = drawn.languages.borrow_mut();
            let mut has = |entry: &Entry<'_>| takes(entry, request, &mut languages);
            sets.iter().all(|entry| has(entry)) && !others.iter().any(has)
        };
        if let Some(witness) = &found {
            assert!(is_common(witness), "{seed}: {witness}");
            some += 1;
            continue;
        }
        for _ in 0..requests(REQUESTS) {
            let request = plain_request(&mut random, drawn.rules);
            assert!(!is_common(&request), "{seed}: {request}");
        }
        none += 1;
    }
    assert!(20 < some && 20 < none, "{some}, {none}");
}

#[test]
fn requests_outside_of_the_regions_are_treated_alike_and_witnesses_are_not() {
    let (mut changed, mut whole, mut repeated) = (0, 0, 0);
    for seed in 0..rounds(TABLES) {
        let mut random = Random(u64::from(seed) + 1_000_000);
        let old = Drawn::new(&mut random, false);
        let new = if random.one_in(4) {
            Drawn::new(&mut random, false)
        } else {
            old.edited(&mut random)
        };
        let sides = (&old.side(), &new.side());
        // A comparison that leaves repeated headers out says the same of the other requests.
        let with_repeats = !random.one_in(3);
        let rules = old.rules;
        let regions = if with_repeats {
            differences_within(sides, None, rules, "x.example").unwrap()
        } else {
            differences(sides, rules, "x.example").unwrap()
        };
        let fate = |entry: Option<usize>, refusal: Option<&String>| {
            entry.map(|entry| (entry, refusal.is_some()))
        };
        let before = |region: &Region| fate(region.old, region.old_refusal.as_ref());
        let after = |region: &Region| fate(region.new, region.new_refusal.as_ref());
        for region in &regions {
            changed += 1;
            for cell in &region.cells {
                let witness = &cell.witness;
                assert_eq!(old.fate(witness), before(region), "{seed}: {witness}");
                assert_eq!(new.fate(witness), after(region), "{seed}: {witness}");
                for header in region.old_refusal.iter().chain(&region.new_refusal) {
                    assert_eq!(witness.values(header).count(), 2, "{seed}: {witness}");
                    repeated += 1;
                }
                assert_ne!(
                    old.action(witness),
                    new.action(witness),
                    "{seed}: {witness}"
                );
            }
            if let Some(contrast) = &region.contrast {
                assert_eq!(
                    old.action(contrast),
                    new.action(contrast),
                    "{seed}: {contrast}"
                );
            }
        }
        for _ in 0..requests(REQUESTS) {
            let request = if with_repeats {
                request(&mut random, rules)
            } else {
                plain_request(&mut random, rules)
            };
            let pair = (old.fate(&request), new.fate(&request));
            for region in &regions {
                let is_part = (region.is_all_of_old && before(region) == pair.0)
                    || (region.is_all_of_new && after(region) == pair.1);
                let is_region = (before(region), after(region)) == pair;
                assert!(!is_part || is_region, "{seed}: {request}");
                whole += usize::from(is_part);
            }
            let is_known = regions
                .iter()
                .any(|region| (before(region), after(region)) == pair);
            if !is_known {
                assert_eq!(
                    old.action(&request),
                    new.action(&request),
                    "{seed}: {request}"
                );
            }
        }
    }
    assert!(
        100 < changed && 100 < whole && 100 < repeated,
        "{changed}, {whole}, {repeated}"
    );
}

#[test]
fn witnesses_are_decided_by_the_slice_as_predicted() {
    for seed in 0..rounds(TABLES) {
        let mut random = Random(u64::from(seed) + 2_000_000);
        let drawn = Drawn::new(&mut random, false);
        let plan = plan(&drawn);
        let slice = Slice::check(plan.encode().unwrap()).unwrap();
        let (found, uncovered, _) = witnesses(&drawn);
        let decided = |request: &WitnessRequest| {
            let index = |index: u32| usize::try_from(index).unwrap();
            match slice.decide(0, &request.as_request()) {
                Ok(route) => route.map(|route| (index(route.index()), false)),
                Err(repeated) => Some((index(repeated.route.index()), true)),
            }
        };
        for (entry, witness) in found.iter().enumerate() {
            if let Some(witness) = witness {
                assert_eq!(decided(witness), Some((entry, false)), "{seed}: {witness}");
            }
        }
        if let Some(uncovered) = &uncovered {
            assert_eq!(decided(uncovered), None, "{seed}: {uncovered}");
        }
        for _ in 0..requests(REQUESTS) {
            let request = request(&mut random, drawn.rules);
            assert_eq!(decided(&request), drawn.fate(&request), "{seed}: {request}");
        }
    }
}

fn plan(drawn: &Drawn) -> NodePlan {
    let routes = drawn
        .entries()
        .into_iter()
        .enumerate()
        .map(|(index, entry)| RoutePlan {
            id: format!("r/{index}"),
            path: entry.path.clone(),
            methods: entry.conditions.methods,
            headers: entry.conditions.headers,
            query: entry.conditions.query,
            outcome: answer(),
        });
    NodePlan {
        settings: NodeSettings {
            node: "gateway/public".to_owned(),
            mesh: "m".to_owned(),
            trust_domain: "m.example".to_owned(),
            snapshot_header: false,
            listeners: vec![Listener {
                name: "web".to_owned(),
                role: Role::Edge,
                address: IpAddr::V4(Ipv4Addr::LOCALHOST),
                port: 8080,
                security: ListenerSecurity::Plaintext,
                hosts: vec!["*".to_owned()],
                table: 0,
                trusted_hops: 0,
                path: PathRules::default(),
                heads: HeadRules::MESH,
                default_certificate: None,
            }],
            clusters: Vec::new(),
            certificates: Vec::new(),
        },
        tables: vec![TablePlan {
            hosts: vec![HostPlan {
                host: "*".to_owned(),
                routes: routes.collect(),
            }],
        }],
        access: Vec::new(),
    }
}

fn answer() -> Outcome {
    Outcome {
        action: Action::Respond {
            status: 200,
            body: String::new(),
            content_type: String::new(),
        },
        timeouts: Timeouts::default(),
        retry: Retry::never(),
        request_headers: weft_snapshot::plan::HeaderChanges::default(),
        response_headers: weft_snapshot::plan::HeaderChanges::default(),
        path: None,
        host: None,
        websocket: false,
        trailers: false,
        max_body: None,
    }
}
