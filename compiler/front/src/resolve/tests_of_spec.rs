//! Tests of a spec: the names and values in them followed and read.

use std::collections::{BTreeMap, BTreeSet};

use weft_spec::route::To;
use weft_spec::test::HeaderLines;
use weft_spec::units::Share;
use weft_spec::{File, FileId, Span, Spanned, test as spec};

use super::assertions::Resolver;
use super::codes::BAD_TEST;
use super::names::{Names, defined_twice, unknown, with_nearest};
use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::model::Mesh;
use crate::model::test::{Asked, Expect, ExpectedSetting, Test};
use crate::question::Question;
use crate::settings::{ALL, Expected, Setting};

/// The tests of all files; those that make no sense are reported and left out.
pub(super) fn resolve(
    names: &Names<'_>,
    mesh: &Mesh,
    files: &[(FileId, File)],
    diagnostics: &mut Diagnostics,
) -> Vec<Test> {
    let known = Expectable::new(mesh);
    let mut first: BTreeMap<&str, Span> = BTreeMap::new();
    let mut tests = Vec::new();
    for written in files.iter().flat_map(|(_, file)| &file.tests) {
        let name = &written.value.name;
        if let Some(first) = first.get(name.value.as_str()) {
            let what = format!("test `{}`", name.value);
            diagnostics.push(defined_twice(&what, *first, name.span));
            continue;
        }
        first.insert(&name.value, name.span);
        let mut resolver = Resolver {
            names,
            mesh,
            diagnostics,
        };
        tests.extend(test(&known, &mut resolver, &written.value));
    }
    tests
}

/// What an expectation can name.
struct Expectable {
    routes: BTreeSet<String>,
    backends: BTreeSet<String>,
    nodes: BTreeSet<String>,
}

impl Expectable {
    fn new(mesh: &Mesh) -> Self {
        let mut routes = BTreeSet::new();
        for route in mesh.routes.values() {
            routes.insert(route.name.value.clone());
            routes.extend(route.rules.iter().map(|rule| rule.id.clone()));
        }
        let (mut backends, mut nodes) = (BTreeSet::new(), BTreeSet::new());
        for service in mesh.services.values() {
            let name = &service.name.value;
            let versions = service.versions.iter();
            backends.extend(versions.map(|version| format!("{name}@{}", version.name.value)));
            backends.insert(name.clone());
            if service.app.is_some() {
                nodes.insert(format!("service/{name}"));
                routes.insert(format!("{name}/inbound"));
            }
        }
        Self {
            routes,
            backends,
            nodes,
        }
    }
}

fn test(known: &Expectable, resolver: &mut Resolver<'_, '_>, written: &spec::Test) -> Option<Test> {
    let spec::Test {
        name,
        request,
        headers,
        from,
        forall,
        same_as,
        expect,
    } = written;
    let bad = |span: Span, message: String| Diagnostic::new(&BAD_TEST, span, message);
    let expected = match expect {
        Some(expect) => self::expect(known, expect, resolver.diagnostics),
        None => Some(Expect::default()),
    };
    let asked = match (request, forall) {
        (Some(request), None) => {
            let headers = headers.iter();
            let headers = headers.flat_map(|(name, lines)| {
                let HeaderLines(lines) = &lines.value;
                let name = name.value.to_ascii_lowercase();
                lines.iter().map(move |line| (name.clone(), line.clone()))
            });
            let headers = headers.collect();
            one(
                known,
                resolver.diagnostics,
                name,
                (request, headers, from.as_ref()),
            )
        }
        (None, Some(region)) => {
            let region = resolver.region(&region.value);
            region.map(|region| Asked::All(Box::new(region)))
        }
        (request, _) => {
            let message = match request {
                Some(_) => format!("test `{}` has both `request` and `forall`", name.value),
                None => format!("test `{}` asks about no request", name.value),
            };
            let finding = bad(name.span, message);
            let help = "give it one `request`, or a region `forall`";
            resolver.diagnostics.push(finding.help(help));
            None
        }
    };
    let (expected, asked) = (expected?, asked?);
    if let Some(finding) = unclear(name, same_as.as_ref(), (&asked, &expected)) {
        resolver.diagnostics.push(finding);
        return None;
    }
    Some(Test {
        name: name.clone(),
        asked,
        same_as: same_as.clone(),
        expect: expected,
    })
}

/// What keeps a test from making sense, if anything does.
fn unclear(
    name: &Spanned<String>,
    same_as: Option<&Spanned<String>>,
    (asked, expected): (&Asked, &Expect),
) -> Option<Diagnostic> {
    let bad = |span: Span, what: &str| {
        let message = format!("test `{}` {what}", name.value);
        Diagnostic::new(&BAD_TEST, span, message)
    };
    match (asked, same_as) {
        (Asked::One { .. }, Some(same_as)) => {
            let help = "give it a region `forall` instead of a `request`";
            Some(bad(same_as.span, "compares one request with a snapshot").help(help))
        }
        (_, None) if expected.is_empty() => {
            let help = "`expect` a `route`, `status`, `backend`, `path`, `timeout`, `attempts` or `allowed`, or say `sameAs`";
            Some(bad(name.span, "expects nothing").help(help))
        }
        (Asked::All(_), _) if expected.allowed.is_some() || expected.path.is_some() => {
            let help = "expect a `route`, `status`, `backend`, `timeout` or `attempts` of them";
            Some(bad(name.span, "is about all requests of a region").help(help))
        }
        (Asked::One { .. } | Asked::All(_), _) => None,
    }
}

type Request<'spec> = (
    &'spec Spanned<String>,
    Vec<(String, String)>,
    Option<&'spec Spanned<String>>,
);

/// A test of one request.
fn one(
    known: &Expectable,
    diagnostics: &mut Diagnostics,
    name: &Spanned<String>,
    (request, headers, from): Request<'_>,
) -> Option<Asked> {
    let sender = from.map(|from| match from.value.strip_prefix("service/") {
        Some(_) => from.value.clone(),
        None => format!("service/{}", from.value),
    });
    if let (Some(sender), Some(from)) = (&sender, from)
        && !known.nodes.contains(sender)
    {
        let nodes = known.nodes.iter().map(String::as_str);
        let finding = unknown("service with a sidecar", sender, from.span, nodes);
        diagnostics.push(finding);
        return None;
    }
    if let Err(error) = Question::parse(&request.value, &[]) {
        let message = format!("`{}` is {error}", name.value);
        let finding = Diagnostic::new(&BAD_TEST, request.span, message);
        let help = "write a method and a URL, such as `GET https://api.example/orders/7`";
        diagnostics.push(finding.help(help));
        return None;
    }
    Some(Asked::One {
        request: request.clone(),
        headers,
        from: sender,
    })
}

fn expect(
    known: &Expectable,
    written: &Spanned<spec::Expect>,
    diagnostics: &mut Diagnostics,
) -> Option<Expect> {
    let spec::Expect {
        route,
        status,
        backend,
        path,
        timeout,
        attempts,
        settings,
        allowed,
    } = &written.value;
    if let Some(route) = route
        && !known.routes.contains(&route.value)
    {
        let routes = known.routes.iter().map(String::as_str);
        diagnostics.push(unknown("route or rule", &route.value, route.span, routes));
        return None;
    }
    let backends = match backend {
        Some(backend) => Some(backends(known, backend, diagnostics)?),
        None => None,
    };
    let fields = [("timeout", timeout), ("attempts", attempts)];
    let fields = fields.into_iter().filter_map(|(field, text)| {
        let is_it = |one: &&&'static Setting| one.expected == Some(Expected::Field(field));
        Some((*ALL.iter().find(is_it)?, text.as_ref()?))
    });
    let mut expected = Vec::new();
    for (setting, text) in fields {
        expected.push(expected_setting(setting, text, diagnostics)?);
    }
    for (name, text) in settings {
        let Some(setting) = Setting::named(&name.value).filter(|one| one.expected.is_some()) else {
            diagnostics.push(not_expected(name));
            return None;
        };
        expected.push(expected_setting(setting, text, diagnostics)?);
    }
    Some(Expect {
        route: route.as_ref().map(|route| route.value.clone()),
        status: status.map(|status| status.value),
        backends,
        path: path.as_ref().map(|path| path.value.clone()),
        settings: expected,
        allowed: allowed.map(|allowed| allowed.value),
        span: written.span,
    })
}

fn backends(
    known: &Expectable,
    written: &Spanned<To>,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<(String, u32)>> {
    let one = |name: &str| (name.to_owned(), Share::WHOLE);
    let mut backends: Vec<(String, u32)> = match &written.value {
        To::One(name) => vec![one(name)],
        To::Shares(shares) => shares
            .iter()
            .map(|(name, share)| (name.value.clone(), share.value.parts_per_million()))
            .collect(),
    };
    for (name, _) in &backends {
        if !known.backends.contains(name) {
            let names = known.backends.iter().map(String::as_str);
            let message = format!("there is no backend `{name}`");
            let finding = Diagnostic::new(&super::UNKNOWN_REFERENCE, written.span, message);
            diagnostics.push(with_nearest(finding, "backend", name, names));
            return None;
        }
    }
    backends.sort();
    Some(backends)
}

/// That no test can expect a value of what is named, with what it can.
fn not_expected(name: &Spanned<String>) -> Diagnostic {
    let known = ALL.iter().filter(|one| one.expected.is_some());
    let known: Vec<&str> = known.map(|one| one.name).collect();
    let message = format!("`{}` is no setting that a test can expect", name.value);
    let finding = Diagnostic::new(&BAD_TEST, name.span, message);
    match nearest(&name.value, known.iter().copied()) {
        Some(meant) => finding
            .help(format!("write `{meant}`"))
            .edit_word(name.span, (&name.value, meant)),
        None => finding.help(format!("expect one of `{}`", known.join("`, `"))),
    }
}

/// A setting as a test writes it: `2s`, or `<=2s` for at most that; nothing if it is wrong.
fn expected_setting(
    setting: &'static Setting,
    written: &Spanned<String>,
    diagnostics: &mut Diagnostics,
) -> Option<ExpectedSetting> {
    let text = written.value.trim();
    let (is_bound, text) = match text.strip_prefix("<=") {
        Some(text) => (true, text.trim()),
        None => (false, text),
    };
    match setting.unit.read(text) {
        Ok(value) => Some(ExpectedSetting {
            setting,
            value,
            is_bound,
        }),
        Err(form) => {
            let message = format!("`{}` is not {form}", written.value);
            let finding = Diagnostic::new(&BAD_TEST, written.span, message);
            diagnostics.push(finding.help(format!("write {form}; `<=` before it takes less, too")));
            None
        }
    }
}
