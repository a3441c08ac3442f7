//! Tests of a spec: run on what the proxies get, with what they cover and what they would not notice.
//!
//! A test of one request is answered by [`crate::why`], so by the code of the proxies on the very slices; a test of
//! a region is proved like an assertion. [`mutants`] changes one setting at a time and asks which test would notice.
//!
//! | file | holds |
//! |---|---|
//! | [`facets`] | what happens to a request, and what of it a test expects |
//! | [`coverage`] | which rules, regions and settings tests look at |
//! | [`mutants`] | changes of rules that no test notices |
//! | [`settings`] | changes of other settings that nothing notices |

mod coverage;
mod facets;
mod fates;
mod mutants;
mod region;
mod settings;

use std::borrow::Cow;

use weft_check::assertions::{Verdict, judge};
use weft_check::rules::Facts;
use weft_front::model::assertion::Form;
use weft_front::model::test::{Asked, Test};
use weft_front::model::{Checked, Mesh};
use weft_front::question::Question;
use weft_front::source::Sources;
use weft_front::surroundings::Surroundings;
use weft_spec::Span;

use crate::same::{Comparison, LEFT_OUT, Lowered, Snapshots};
use crate::why::why;
pub use coverage::Coverage;
pub use facets::Facets;
pub use mutants::{Mutant, Mutation};
use weft_back::snapshot::Snapshot;

/// What became of the tests of a spec.
#[derive(Debug)]
pub struct TestReport {
    /// Each test, in the order in which they are written.
    pub results: Vec<TestResult>,
    /// The names of the assertions, with whether they are proved.
    pub assertions: Vec<(String, bool)>,
    /// What the tests look at.
    pub coverage: Coverage,
    /// What comparisons with snapshots leave out; nothing if nothing is compared.
    pub left_out: Option<&'static str>,
}

/// What became of one test.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// The name that `tests` gives it.
    pub name: String,
    /// Where it is written.
    pub place: Span,
    /// What is not as expected; nothing if it passed.
    pub failures: Vec<String>,
    /// The request as written; none for a test of a region.
    pub request: Option<String>,
    /// What happens to the request.
    pub facets: Option<Facets>,
}

impl TestResult {
    /// Whether everything is as expected.
    pub fn has_passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Runs every test of a checked spec on its snapshot.
///
/// The surroundings say how the snapshots are read that a test or an assertion compares with.
pub fn run(checked: &Checked, snapshot: &Snapshot, surroundings: &Surroundings) -> TestReport {
    let mesh = checked.mesh();
    let facts = Facts::new(mesh, surroundings);
    let mut snapshots = Snapshots::new(surroundings);
    let needs_plans = mesh.tests.iter().any(|test| test.same_as.is_some())
        || mesh
            .assertions
            .iter()
            .any(|one| matches!(one.form, Form::Same { .. }));
    let plans = if needs_plans {
        snapshot.plans()
    } else {
        Vec::new()
    };
    let spec = Lowered {
        mesh,
        plans: &plans,
    };
    let mut results = Vec::with_capacity(mesh.tests.len());
    for test in &mesh.tests {
        let mut result = match question(test) {
            Some(question) => one(snapshot, test, &question),
            None => all(&facts, test),
        };
        if let (Asked::All(region), Some(folder)) = (&test.asked, &test.same_as) {
            let compared = snapshots.compare(spec, region, folder);
            result.failures.extend(unlike(compared));
        }
        results.push(result);
    }
    let mut assertions = Vec::new();
    for assertion in &mesh.assertions {
        let verdict = match &assertion.form {
            Form::Same { region, snapshot } => match snapshots.compare(spec, region, snapshot) {
                Comparison::Compared(verdict) => verdict,
                Comparison::NotAsked => Verdict::Unknown("no snapshot is read".to_owned()),
                Comparison::Unreadable(why) => Verdict::Unknown(why),
            },
            Form::Never { .. }
            | Form::Only { .. }
            | Form::Always { .. }
            | Form::Bound { .. }
            | Form::Exists { .. }
            | Form::Total { .. } => judge(&facts, assertion),
            // It is about edits, so there is nothing to prove here.
            Form::NoChange { .. } => continue,
        };
        assertions.push((assertion.name.clone(), matches!(verdict, Verdict::Proved)));
    }
    TestReport {
        assertions,
        coverage: coverage::of(&facts, &results),
        left_out: needs_plans.then_some(LEFT_OUT),
        results,
    }
}

/// The changes to a spec that its tests could notice, with whether one does.
pub fn mutate(
    checked: &Checked,
    sources: &Sources,
    snapshot: &Snapshot,
    surroundings: &Surroundings,
) -> Mutation {
    let facts = Facts::new(checked.mesh(), surroundings);
    let report = run(checked, snapshot, surroundings);
    let mut mutation = mutants::of(&facts, &report.results);
    let spec = settings::BaselineSpec {
        facts: &facts,
        sources,
        snapshot,
        surroundings,
    };
    settings::of(&spec, &report, &mut mutation);
    mutation
}

/// What a comparison with a snapshot has against a test.
fn unlike(compared: Comparison) -> Option<String> {
    match compared {
        Comparison::NotAsked => Some("unknown: no snapshot is read".to_owned()),
        Comparison::Compared(Verdict::Proved) => None,
        Comparison::Compared(Verdict::Unknown(why)) => Some(format!("unknown: {why}")),
        Comparison::Unreadable(why) | Comparison::Compared(Verdict::Vacuous(why)) => Some(why),
        Comparison::Compared(Verdict::Refuted(counterexample)) => {
            let shown = counterexample.shown.unwrap_or_default();
            Some(format!("{}, shown by: {shown}", counterexample.text))
        }
    }
}

/// Headers as an entry of `tests` writes them: ` headers: {x-a: "1", x-b: ["1", "2"]},` and nothing without any.
fn written_headers<'run>(headers: impl Iterator<Item = (&'run str, Cow<'run, str>)>) -> String {
    let mut by_name: Vec<(&str, Vec<Cow<'_, str>>)> = Vec::new();
    for (name, value) in headers {
        match by_name.iter_mut().find(|(known, _)| *known == name) {
            Some((_, lines)) => lines.push(value),
            None => by_name.push((name, vec![value])),
        }
    }
    let each = by_name.iter().map(|(name, lines)| match lines.as_slice() {
        [line] => format!("{name}: {line:?}"),
        lines => format!("{name}: {lines:?}"),
    });
    let each: Vec<String> = each.collect();
    if each.is_empty() {
        String::new()
    } else {
        format!(", headers: {{{}}}", each.join(", "))
    }
}

/// The request of a test of one request.
pub fn question(test: &Test) -> Option<Question> {
    let Asked::One {
        request,
        headers,
        from,
    } = &test.asked
    else {
        return None;
    };
    let mut question = Question::parse(&request.value, &[]).ok()?;
    question.headers.clone_from(headers);
    Some(question.sent_by(from.clone()))
}

fn one(snapshot: &Snapshot, test: &Test, question: &Question) -> TestResult {
    let (failures, facets) = match why(snapshot, question) {
        Ok(answer) => {
            let facets = Facets::of_answer(&answer);
            let mut failures = facets.broken(&test.expect);
            let refusal = answer.hops.iter().find_map(|hop| hop.refusal.as_ref());
            if let Some(refused) = refusal.filter(|_| !failures.is_empty()) {
                let (status, reason) = (refused.status, refused.reason);
                failures.push(format!(
                    "it gets {status} {reason}: {}",
                    refused.explanation
                ));
            }
            (failures, Some(facets))
        }
        Err(error) => (vec![error.to_string()], None),
    };
    TestResult {
        name: test.name.value.clone(),
        place: test.name.span,
        failures,
        request: Some(format!(
            "{} {}{}",
            question.method, question.authority, question.target
        )),
        facets,
    }
}

fn all(facts: &Facts<'_>, test: &Test) -> TestResult {
    let failures = match &test.asked {
        Asked::All(region) => region::failures(facts, region, &test.expect),
        Asked::One { .. } => vec!["its request cannot be read".to_owned()],
    };
    TestResult {
        name: test.name.value.clone(),
        place: test.name.span,
        failures,
        request: None,
        facets: None,
    }
}

/// Every test with what became of it.
fn with_results<'mesh>(
    mesh: &'mesh Mesh,
    results: &'mesh [TestResult],
) -> impl Iterator<Item = (&'mesh Test, &'mesh TestResult)> {
    mesh.tests.iter().zip(results)
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod unit;
