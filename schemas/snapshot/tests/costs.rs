//! What one request costs at worst: looked-up names are counted, never timed, and what costs more is refused.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected is to stop there"
)]
#![expect(
    clippy::indexing_slicing,
    reason = "the plans of common have one table"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod common;

use std::cell::Cell;

use weft_snapshot::plan::{
    AccessPlan, Condition, Effect, HostPlan, NodePlan, PathPattern, RoutePlan, Segment, TablePlan,
    ValueTest,
};
use weft_snapshot::{Access, HeaderList, Headers, Request, Slice};

/// Headers that count how often they are asked.
struct Counted {
    headers: HeaderList,
    asked: Cell<u32>,
}

impl Headers for Counted {
    fn values<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        self.asked.set(self.asked.get() + 1);
        self.headers.values(name)
    }
}

fn segments(path: &str) -> PathPattern {
    let segment = |text: &str| match text.strip_prefix('{') {
        Some(name) => Segment::Any {
            name: name.trim_end_matches('}').to_owned(),
        },
        None => Segment::Literal {
            text: text.to_owned(),
        },
    };
    PathPattern::Segments {
        segments: path.split('/').skip(1).map(segment).collect(),
        rest: false,
    }
}

fn test(name: &str, test: ValueTest) -> Condition {
    Condition {
        name: name.to_owned(),
        test,
    }
}

fn expression(regex: String) -> ValueTest {
    ValueTest::Regex { regex }
}

fn exact(text: String) -> ValueTest {
    ValueTest::Exact { text }
}

fn route(at: usize, path: &str, headers: Vec<Condition>, query: Vec<Condition>) -> RoutePlan {
    RoutePlan {
        id: format!("r/{at}"),
        path: segments(path),
        methods: Vec::new(),
        headers,
        query,
        outcome: common::forward(),
    }
}

fn plan(routes: Vec<RoutePlan>) -> NodePlan {
    let host = "a.x".to_owned();
    common::plan_of(vec![TablePlan {
        hosts: vec![HostPlan { host, routes }],
    }])
}

/// The route of a request for `/a`, and how often its headers were asked.
fn asked(slice: &Slice, value: &str, query: &str) -> (Option<String>, u32) {
    let headers = Counted {
        headers: HeaderList(vec![("x-v".to_owned(), value.to_owned())]),
        asked: Cell::new(0),
    };
    let request = Request {
        method: "GET",
        host: "a.x",
        path: "/a",
        query: Some(query),
        headers: &headers,
    };
    let route = slice.decide(0, &request).unwrap();
    (
        route.map(|route| route.id().to_owned()),
        headers.asked.get(),
    )
}

#[test]
fn a_header_is_looked_up_a_few_times_however_many_routes_ask_for_it() {
    let routes = (0..4_000).map(|at| {
        let tests = match at % 3 {
            0 => exact(format!("e{at}")),
            _ => expression(format!("[a-d]+x{at}")),
        };
        route(at, "/a", vec![test("x-v", tests)], Vec::new())
    });
    let plan = plan(routes.collect());
    let slice = Slice::check(plan.encode().unwrap()).unwrap();

    for (value, decided) in [
        ("e3999", Some("r/3999")),
        ("abx3998", Some("r/3998")),
        ("abx1", Some("r/1")),
        ("abx3", None),
        ("x3998", None),
    ] {
        let (route, lookups) = asked(&slice, value, "");
        assert_eq!(route.as_deref(), decided);
        assert!(lookups <= 17, "{lookups}");
    }
    // What is written is read back as it was.
    assert_eq!(slice.plan().tables, plan.tables);
}

#[test]
fn parameters_are_told_apart_like_headers() {
    let routes = (0..2_000).map(|at| {
        let name = if at % 2 == 0 { "v" } else { "w" };
        let query = vec![test(name, expression(format!("a*x{at}")))];
        route(at, "/a", Vec::new(), query)
    });
    let slice = Slice::check(plan(routes.collect()).encode().unwrap()).unwrap();
    for (query, decided) in [
        ("v=aax1998&v=x0", Some("r/1998")),
        ("w=x1998", None),
        ("w=aax%31999", Some("r/1999")),
        ("", None),
    ] {
        assert_eq!(asked(&slice, "", query).0.as_deref(), decided, "{query}");
    }
}

#[test]
fn a_snapshot_in_which_a_path_could_meet_too_many_routes_is_refused() {
    let message = "a request could meet too many routes";
    let refused = |routes: Vec<RoutePlan>| {
        let bytes = plan(routes).encode_unchecked().unwrap();
        Slice::check(bytes).err().map(|error| error.to_string())
    };
    let on_one = |count| {
        let one = |at| {
            route(
                at,
                "/a",
                vec![test("x-v", exact(format!("{at}")))],
                Vec::new(),
            )
        };
        refused((0..count).map(one).collect())
    };
    assert_eq!(on_one(8_000), None);
    assert!(on_one(9_000).unwrap().contains(message));

    let crossed = (0..1_usize << 13).map(|at| {
        let segment = |bit: usize| if at >> bit & 1 == 0 { "/a" } else { "/{x}" };
        let path: String = (0..13).map(segment).collect();
        route(at, &path, Vec::new(), Vec::new())
    });
    assert!(refused(crossed.collect()).unwrap().contains(message));

    let apart = (0..20_000).map(|at| route(at, &format!("/a{at}"), Vec::new(), Vec::new()));
    assert_eq!(refused(apart.collect()), None);
}

#[test]
fn expressions_that_are_too_large_together_are_few_or_refused() {
    // Each remembers nine letters, and none the same ones.
    let large = |at: usize| {
        let letter = char::from(b'a' + u8::try_from(at).unwrap());
        expression(format!(".*{letter}[a-z]{{9}}"))
    };
    let of = |count: usize| {
        let one = |at| route(at, "/a", vec![test("x-v", large(at))], Vec::new());
        plan((0..count).map(one).collect())
    };
    let slice = Slice::check(of(16).encode().unwrap()).unwrap();
    assert_eq!(asked(&slice, "zzpzzzzzzzzz", "").0.as_deref(), Some("r/15"));
    assert!(of(17).encode().is_err());
}

#[test]
fn a_path_is_held_against_few_expressions_of_access_rules() {
    let of = |count: usize| {
        let mut plan = plan(vec![route(0, "/a", Vec::new(), Vec::new())]);
        plan.access = (0..4 * count)
            .map(|at| AccessPlan {
                id: format!("s/{at}"),
                effect: Effect::Admit,
                from: vec!["spiffe://m.example/service/a".to_owned()],
                methods: vec![format!("M{at}")],
                path: PathPattern::Regex {
                    regex: format!("/b{}[0-9]*", at % count),
                },
            })
            .collect();
        plan.encode_unchecked().unwrap()
    };
    let slice = Slice::check(of(64)).unwrap();
    let by = |method, path| slice.authorize("spiffe://m.example/service/a", method, path);
    assert_eq!(by("M255", "/b637"), Access::Admitted(255));
    assert_eq!(by("M255", "/b627"), Access::Refused(None));
    let refused = Slice::check(of(65)).unwrap_err();
    assert!(
        refused.to_string().contains("too many automata"),
        "{refused}"
    );
}
