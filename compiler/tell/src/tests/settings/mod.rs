//! Changes to settings that are no rule's: defaults of the mesh, contracts of services, calls, permissions and denials.
//!
//! The changed mesh is checked and lowered anew. What the rules refuse is noticed, and so is what fails a test or takes the proof of
//! an assertion away. What none of the requests shows that the mesh itself suggests, a request for each rule, operation and
//! permission, is no change that a test could notice.

mod edits;

use std::borrow::Cow;
use std::collections::BTreeSet;

use edits::Edit;
use weft_back::emit::emit;
use weft_back::lower::lower;
use weft_back::snapshot::Snapshot;
use weft_check::assertions::reach::region_of_calls;
use weft_check::assertions::region::takers;
use weft_check::rules::{self, Facts};
use weft_front::diagnostic::Diagnostics;
use weft_front::model::assertion::Region;
use weft_front::model::{Mesh, Service};
use weft_front::question::Question;
use weft_front::settings::Expected;
use weft_front::source::Sources;
use weft_front::surroundings::Surroundings;
use weft_snapshot::plan::{NodePlan, PathPattern};
use weft_snapshot::settings::PathRules;
use weft_space::{Entry, ListenerUrl, Reading, WitnessRequest, common};

use super::facets::{Facets, expectations, shares};
use super::{Mutant, Mutation, TestReport, run, written_headers};
use crate::why::why;

/// Changes times rules, calls and permissions: beyond this the settings are left out, because each change is compiled.
const WORK: usize = 400_000;

/// A request that may show a change, with what happens to it without one.
struct Probe {
    question: Question,
    facets: Facets,
}

/// A spec as it is, which changes are made to and compared with.
pub(super) struct BaselineSpec<'run, 'mesh> {
    pub(super) facts: &'run Facts<'mesh>,
    /// The texts, for the lines behind what is lowered.
    pub(super) sources: &'run Sources,
    /// What it was compiled to.
    pub(super) snapshot: &'run Snapshot,
    pub(super) surroundings: &'run Surroundings,
}

/// Tries every change.
pub(super) fn of(spec: &BaselineSpec<'_, '_>, report: &TestReport, mutation: &mut Mutation) {
    let mesh = spec.facts.mesh;
    let edits = edits::of(mesh);
    let rules = mesh.routes.values().map(|route| route.rules.len());
    let services = mesh.services.values();
    let said = services.map(|service| {
        let operations = service
            .calls
            .iter()
            .map(|call| call.operations.len().max(1));
        operations.sum::<usize>() + service.allow.len() + service.deny.len()
    });
    let size = rules.chain(said).sum::<usize>();
    if WORK < edits.len().saturating_mul(size) {
        mutation.has_left_settings = true;
        return;
    }
    let trying = Trying {
        spec,
        plans: spec.snapshot.plans(),
        report,
        asked: asked(spec.facts, spec.snapshot),
    };
    for edit in edits {
        match trying.of(&edit) {
            Tried::Noticed => mutation.noticed += 1,
            Tried::Nothing => {}
            Tried::Unnoticed(test) => mutation.survivors.push(Mutant {
                change: edit.what,
                place: edit.place,
                test,
            }),
        }
    }
}

struct Trying<'run, 'mesh> {
    spec: &'run BaselineSpec<'run, 'mesh>,
    /// The plans of the snapshot.
    plans: Vec<NodePlan>,
    /// What became of the tests without a change.
    report: &'run TestReport,
    asked: Vec<Probe>,
}

enum Tried {
    Noticed,
    Nothing,
    /// A test that would notice.
    Unnoticed(String),
}

impl Trying<'_, '_> {
    fn of(&self, edit: &Edit) -> Tried {
        let surroundings = self.spec.surroundings;
        let mut mesh = self.spec.facts.mesh.clone();
        (edit.apply)(&mut mesh);
        let checked = rules::check(mesh, surroundings, &mut Diagnostics::default());
        let Some(checked) = checked else {
            return Tried::Noticed;
        };
        let lowered = lower(&checked, self.spec.sources);
        if lowered.plans == self.plans {
            return Tried::Nothing;
        }
        let bundle = emit(&lowered).ok();
        let snapshot = bundle.and_then(|bundle| Snapshot::of_bundle(&bundle).ok());
        let Some(snapshot) = snapshot else {
            return Tried::Noticed;
        };
        if self.is_noticed(&run(&checked, &snapshot, surroundings)) {
            return Tried::Noticed;
        }
        let shown = self.asked.iter().find_map(|asked| {
            // Where nothing hears the request any more, nothing happens to it.
            let answer = why(&snapshot, &asked.question).ok();
            let now = answer.map_or_else(Facets::default, |answer| Facets::of_answer(&answer));
            ready_made(&edit.what, asked, &now)
        });
        shown.map_or(Tried::Nothing, Tried::Unnoticed)
    }

    fn is_noticed(&self, now: &TestReport) -> bool {
        let tests = self.report.results.iter().zip(&now.results);
        let mut tests = tests.filter(|(before, _)| before.has_passed());
        let assertions = self.report.assertions.iter().zip(&now.assertions);
        let mut proved = assertions.filter(|((_, was_proved), _)| *was_proved);
        tests.any(|(_, after)| !after.has_passed()) || proved.any(|(_, (_, is_proved))| !is_proved)
    }
}

/// The requests that the mesh suggests: one for each rule, each operation of each call, and each of these at each permission and
/// denial.
fn asked(facts: &Facts<'_>, snapshot: &Snapshot) -> Vec<Probe> {
    let mut questions = Vec::new();
    for one in facts.hosts() {
        let url = one.url(facts.mesh);
        let witnesses = one.analysis.iter().flat_map(|analysis| &analysis.witness);
        let asked = witnesses.flatten().filter_map(|witness| open(witness, url));
        questions.extend(asked);
    }
    for service in facts.mesh.services.values() {
        for region in regions(service) {
            let takers = takers(facts, &region).unwrap_or_default();
            let asked = takers
                .iter()
                .filter_map(|taker| open(&taker.witness, taker.url));
            questions.extend(asked);
        }
    }
    for service in facts
        .mesh
        .services
        .values()
        .filter(|service| service.app.is_some())
    {
        inside(facts.mesh, service, &mut questions);
    }
    let mut known = BTreeSet::new();
    questions.retain(|question| {
        known.insert((
            question.method.clone(),
            question.authority.clone(),
            question.target.clone(),
            question.headers.clone(),
            question.from.clone(),
        ))
    });
    let answered = questions.into_iter().filter_map(|question| {
        let answer = why(snapshot, &question).ok()?;
        Some(Probe {
            question,
            facets: Facets::of_answer(&answer),
        })
    });
    answered.collect()
}

/// The calls of each permission and denial of a service, and those right beside each permission: with other methods, and below its
/// paths.
fn regions(service: &Service) -> Vec<Region> {
    let denied = service.deny.iter();
    let denied = denied.map(|deny| region_of_calls(&deny.methods, &deny.path));
    let allowed = service.allow.iter().flat_map(|allow| {
        let own = region_of_calls(&allow.methods, &allow.path);
        let mut below = allow.path.clone();
        if let PathPattern::Segments { rest, .. } = &mut below.value {
            *rest = true;
        }
        let beside = [
            region_of_calls(&[], &allow.path),
            region_of_calls(&allow.methods, &below),
        ];
        let except = own.matched.clone();
        let beside = beside.map(|region| Region {
            except: vec![except.clone()],
            ..region
        });
        [own].into_iter().chain(beside)
    });
    denied.chain(allowed).collect()
}

fn open(witness: &WitnessRequest, url: ListenerUrl) -> Option<Question> {
    let headers: Option<Vec<String>> = witness
        .headers
        .iter()
        .map(|(name, value)| Some(format!("{name}: {}", str::from_utf8(value).ok()?)))
        .collect();
    let url = url.to(&witness.host, &witness.target());
    Question::parse(&format!("{} {url}", witness.method), &headers?).ok()
}

/// What the app of a service sends.
fn inside(mesh: &Mesh, service: &Service, questions: &mut Vec<Question>) {
    let with = Reading::new(PathRules::default(), &mesh.automata);
    let all = weft_space::path::all_paths();
    for call in &service.calls {
        let callee = mesh.services.entry(call.to.value);
        let everything = call.operations.is_empty().then(|| Entry::of_path(&all));
        let declared = call.operations.iter().map(Entry::of);
        let regions = regions(callee);
        for wanted in declared.chain(everything) {
            let alone = common(&[&wanted], &[], with);
            let met = regions.iter().map(|region| {
                let except: Vec<Entry<'_>> = region.except.iter().map(Entry::of).collect();
                common(&[&wanted, &Entry::of(&region.matched)], &except, with)
            });
            for witness in met.chain([alone]).filter_map(|found| found.ok()?) {
                let (method, target) = (&witness.method, witness.target());
                let request = format!("{method} http://{}{target}", callee.name.value);
                let question = Question::parse(&request, &[]).ok();
                let question = question.map(|one| one.sent_by(Some(service.name.value.clone())));
                questions.extend(question);
            }
        }
    }
}

/// An entry of `tests` that a change would break; none if the request does not show it.
fn ready_made(change: &str, asked: &Probe, now: &Facets) -> Option<String> {
    let (question, was) = (&asked.question, &asked.facets);
    let mut expect = Vec::new();
    if was.is_refused != now.is_refused {
        expect.push(format!("allowed: {}", !was.is_refused));
    }
    if was.backends != now.backends && !was.backends.is_empty() {
        expect.push(format!("backend: {}", shares(&was.backends)));
    }
    let differ = was.settings.iter();
    // Of what is forwarded no more, the backend says enough.
    let differ = differ.filter(|(setting, value)| {
        let is_common = matches!(setting.expected, Some(Expected::Field(_)));
        match now.setting(setting) {
            Some(now) => now != value,
            None => is_common,
        }
    });
    expect.extend(expectations(differ));
    if let Some(status) = was.status.filter(|_| was.status != now.status) {
        expect.push(format!("status: {status}"));
    }
    if expect.is_empty() {
        return None;
    }
    let scheme = if question.is_https == Some(true) {
        "https"
    } else {
        "http"
    };
    let headers = question.headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), Cow::Borrowed(value.as_str())));
    let headers = written_headers(headers);
    let from = question.from.as_ref();
    let from = from.map_or(String::new(), |from| format!(", from: {from}"));
    Some(format!(
        "- {{name: \"notices that {change}\", request: \"{} {scheme}://{}{}\"{headers}{from}, expect: {{{}}}}}",
        question.method,
        question.authority,
        question.target,
        expect.join(", ")
    ))
}
