//! `decide` against a plain linear matcher that follows the design word by word.
//!
//! The matcher works on the plan, knows no index, and runs expressions on another engine.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that meets the unexpected is to stop there"
)]

mod common;

use common::Asked;
use regex_automata::nfa::thompson::{self, pikevm::PikeVM};
use regex_automata::util::syntax;
use weft_snapshot::canonical::{host_matches, parameter};
use weft_snapshot::plan::{
    Condition, Effect, NodePlan, PathPattern, RoutePlan, Segment, ValueTest,
};
use weft_snapshot::{Access, Headers, Request, Slice};

fn expression_matches(expression: &str, input: &[u8]) -> bool {
    let vm = PikeVM::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(thompson::Config::new().utf8(false))
        .build(&format!(r"\A(?:{expression})\z"))
        .unwrap();
    vm.is_match(&mut vm.create_cache(), input)
}

fn path_matches(pattern: &PathPattern, path: &str) -> bool {
    let (wanted, rest) = match pattern {
        PathPattern::Regex { regex } => return expression_matches(regex, path.as_bytes()),
        PathPattern::Segments { segments, rest } => (segments, *rest),
    };
    let given: Vec<&str> = path.split('/').skip(1).collect();
    let fits_in_length = if rest {
        wanted.len() <= given.len()
    } else {
        wanted.len() == given.len()
    };
    fits_in_length
        && wanted
            .iter()
            .zip(given)
            .all(|(wanted, given)| match wanted {
                Segment::Literal { text } => text == given,
                Segment::Any { .. } => !given.is_empty(),
            })
}

fn passes(condition: &Condition, value: Option<&[u8]>) -> bool {
    match &condition.test {
        ValueTest::Exact { text } => value == Some(text.as_bytes()),
        ValueTest::Present => value.is_some(),
        ValueTest::Absent => value.is_none(),
        ValueTest::Regex { regex } => value.is_some_and(|value| expression_matches(regex, value)),
    }
}

/// Whether a condition holds for a header; none if nobody can tell, because it has no one value.
fn header_passes(condition: &Condition, asked: &Asked) -> Option<bool> {
    let lines: Vec<&[u8]> = asked.headers.values(&condition.name).collect();
    let between: &[u8] = match (condition.name.as_str(), lines.as_slice()) {
        (_, []) => return Some(passes(condition, None)),
        (_, [only]) => return Some(passes(condition, Some(only))),
        ("cookie", _) => {
            // A line without a pair adds none.
            let pairs: Vec<&[u8]> = lines.into_iter().filter(|it| !it.is_empty()).collect();
            return Some(passes(condition, Some(&pairs.join(b"; ".as_slice()))));
        }
        ("accept-language", _) => b", ",
        (_, _) => {
            return match condition.test {
                ValueTest::Present => Some(true),
                ValueTest::Absent => Some(false),
                ValueTest::Exact { .. } | ValueTest::Regex { .. } => None,
            };
        }
    };
    Some(passes(condition, Some(&lines.join(between))))
}

/// Whether a route takes a request; none if nobody can tell.
fn takes(route: &RoutePlan, asked: &Asked) -> Option<bool> {
    let is_method = route.methods.is_empty() || route.methods.contains(&asked.method);
    let holds = is_method
        && path_matches(&route.path, &asked.path)
        && route.query.iter().all(|condition| {
            let value = asked
                .query
                .as_deref()
                .and_then(|query| parameter(query, &condition.name));
            passes(condition, value.as_deref())
        });
    let headers = route.headers.iter();
    let headers: Vec<Option<bool>> = headers.map(|one| header_passes(one, asked)).collect();
    if !holds || headers.contains(&Some(false)) {
        return Some(false);
    }
    (!headers.contains(&None)).then_some(true)
}

/// The route that takes a request; the one that refuses it is an error.
fn oracle(plan: &NodePlan, table: usize, asked: &Asked) -> Result<Option<String>, String> {
    let hosts = &plan.tables[table].hosts;
    let owner = hosts
        .iter()
        .filter_map(|host| Some((host_matches(&host.host, &asked.host)?, host)))
        .max_by_key(|(specificity, _)| *specificity);
    let Some((_, host)) = owner else {
        return Ok(None);
    };
    for route in &host.routes {
        match takes(route, asked) {
            Some(true) => return Ok(Some(route.id.clone())),
            Some(false) => {}
            None => return Err(route.id.clone()),
        }
    }
    Ok(None)
}

fn decided(slice: &Slice, table: usize, asked: &Asked) -> Result<Option<String>, String> {
    let request = Request {
        method: &asked.method,
        host: &asked.host,
        path: &asked.path,
        query: asked.query.as_deref(),
        headers: &asked.headers,
    };
    match slice.decide(u32::try_from(table).unwrap(), &request) {
        Ok(route) => Ok(route.map(|route| route.id().to_owned())),
        Err(repeated) => {
            let plan = slice.route_plan(repeated.route.index()).unwrap();
            let names = plan.headers.iter().map(|condition| &condition.name);
            assert!(names.clone().any(|name| name == repeated.header));
            assert!(1 < asked.headers.values(repeated.header).count());
            Err(repeated.route.id().to_owned())
        }
    }
}

#[test]
fn decide_and_a_linear_matcher_agree() {
    let (mut found, mut refused) = (0, 0);
    for seed in 0..1_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let plan = common::plan(&mut random);
        let slice = Slice::check(plan.encode().unwrap()).unwrap();
        for _ in 0..100 {
            let asked = common::asked(&mut random);
            let table = random.usize(..plan.tables.len());
            let expected = oracle(&plan, table, &asked);
            assert_eq!(
                decided(&slice, table, &asked),
                expected,
                "seed {seed}: {asked:?}"
            );
            found += u32::from(matches!(expected, Ok(Some(_))));
            refused += u32::from(expected.is_err());
        }
    }
    assert!(
        20_000 < found && 200 < refused,
        "only {found} of 100,000 requests found a route, and {refused} were refused"
    );
}

#[test]
fn authorize_and_a_linear_matcher_agree() {
    for seed in 0..500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let plan = common::plan(&mut random);
        let slice = Slice::check(plan.encode().unwrap()).unwrap();
        for _ in 0..50 {
            let asked = common::asked(&mut random);
            let identity = common::pick(
                &mut random,
                &[
                    "spiffe://m/a",
                    "spiffe://m/b",
                    "spiffe://m/",
                    "spiffe://m/ab",
                    "spiffe://m/a/b",
                    "spiffe://m/a/b/c",
                    "spiffe://n/a",
                ],
            );
            let mut rules = (0_u32..).zip(&plan.access);
            let deciding = rules.find(|(_, rule)| {
                rule.from
                    .iter()
                    .any(|from| weft_snapshot::identity::names(from, identity))
                    && (rule.methods.is_empty() || rule.methods.contains(&asked.method))
                    && path_matches(&rule.path, &asked.path)
            });
            let expected = match deciding.map(|(position, rule)| (position, rule.effect)) {
                Some((position, Effect::Admit)) => Access::Admitted(position),
                Some((position, Effect::Refuse)) => Access::Refused(Some(position)),
                None => Access::Refused(None),
            };
            let decided = slice.authorize(identity, &asked.method, &asked.path);
            assert_eq!(decided, expected, "seed {seed}: {identity} {asked:?}");
        }
    }
}

#[test]
fn the_routes_of_a_path_are_those_that_match_it() {
    let mut found = 0;
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let plan = common::plan(&mut random);
        let slice = Slice::check(plan.encode().unwrap()).unwrap();
        for _ in 0..20 {
            let asked = common::asked(&mut random);
            for (number, table) in (0_u32..).zip(&plan.tables) {
                let Some(owner) = slice.owning_host(number, &asked.host) else {
                    continue;
                };
                let host = table.hosts.iter().find(|host| host.host == owner).unwrap();
                let ids = host.routes.iter();
                let ids = ids.filter(|route| path_matches(&route.path, &asked.path));
                let expected: Vec<&str> = ids.map(|route| route.id.as_str()).collect();
                let seen = slice.routes_with_path(number, &asked.host, &asked.path);
                let seen = seen.iter().map(|at| slice.route_plan(*at).unwrap().id);
                assert_eq!(seen.collect::<Vec<_>>(), expected, "seed {seed}: {asked:?}");
                found += expected.len();
            }
        }
    }
    assert!(1_000 < found, "{found}");
}

#[test]
fn a_slice_reads_back_as_the_plan_that_was_written() {
    for seed in 0..300 {
        let plan = common::plan(&mut fastrand::Rng::with_seed(seed));
        let slice = Slice::check(plan.encode().unwrap()).unwrap();
        assert_eq!(slice.plan(), plan, "seed {seed}");
    }
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    for seed in 0..50 {
        let plan = common::plan(&mut fastrand::Rng::with_seed(seed));
        assert_eq!(plan.encode().unwrap(), plan.clone().encode().unwrap());
    }
}

#[test]
fn a_rewrite_takes_segments_and_rest_of_the_old_path() {
    use weft_snapshot::plan::{Action, PathRewrite, RewritePart};
    let mut plan = common::plan(&mut fastrand::Rng::with_seed(0));
    let route = &mut plan.tables[0].hosts[0].routes[0];
    route.outcome.action = Action::Forward {
        backends: vec![weft_snapshot::plan::Backend {
            cluster: 0,
            share: 1_000_000,
        }],
    };
    route.outcome.path = Some(PathRewrite {
        parts: vec![
            RewritePart::Literal {
                text: "v2".to_owned(),
            },
            RewritePart::Segment { index: 1 },
        ],
        rest_from: Some(2),
    });
    let slice = Slice::check(plan.encode().unwrap()).unwrap();
    let rewrite = slice.route(0).unwrap().outcome().path().unwrap();
    assert_eq!(rewrite.apply("/orders/7/items/"), "/v2/7/items/");
    assert_eq!(rewrite.apply("/orders/7"), "/v2/7");
}
