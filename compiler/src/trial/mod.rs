//! Tests of a spec: run on what the proxies get, with what they cover and what they would not notice.
//!
//! A test of one request is answered by [`crate::why`], so by the code of the proxies on the very slices; a test of
//! a region is proved like an assertion. [`mutants`] changes one setting at a time and asks which test would notice.
//!
//! | file | holds |
//! |---|---|
//! | [`facets`] | what happens to a request, and what of it a test expects |
//! | [`coverage`] | which rules, regions and settings tests look at |
//! | [`mutants`] | changes that no test notices |

mod coverage;
mod facets;
mod mutants;
mod region;

use weft_spec::Span;

use crate::claims::Verdict;
use crate::model::Mesh;
use crate::model::test::{Asked, Test};
use crate::rules::{Checked, Facts};
use crate::surroundings::Surroundings;
use crate::why::{Question, Snapshot, why};
pub use coverage::Coverage;
pub use facets::Facets;
pub use mutants::{Mutant, Mutation};

/// What became of the tests of a spec.
#[derive(Debug)]
pub struct Report {
    /// Each test, in the order in which they are written.
    pub results: Vec<TestResult>,
    /// The names of the assertions, with whether they are proved.
    pub assertions: Vec<(String, bool)>,
    /// What the tests look at.
    pub coverage: Coverage,
}

/// What became of one test.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// Its name.
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
pub fn run(checked: &Checked, snapshot: &Snapshot) -> Report {
    let mesh = checked.mesh();
    let facts = Facts::new(mesh, &Surroundings::default());
    let run = |test: &Test| match question(test) {
        Some(question) => one(snapshot, test, &question),
        None => all(&facts, test),
    };
    let results: Vec<TestResult> = mesh.tests.iter().map(run).collect();
    let assertions = mesh.assertions.iter().map(|assertion| {
        let verdict = crate::claims::judge(&facts, assertion);
        (assertion.name.clone(), matches!(verdict, Verdict::Proved))
    });
    Report {
        assertions: assertions.collect(),
        coverage: coverage::of(&facts, &results),
        results,
    }
}

/// The changes to a spec that its tests could notice, with whether one does.
pub fn mutate(checked: &Checked, snapshot: &Snapshot) -> Mutation {
    let facts = Facts::new(checked.mesh(), &Surroundings::default());
    mutants::of(&facts, &run(checked, snapshot).results)
}

/// The request of a test of one request.
pub(crate) fn question(test: &Test) -> Option<Question> {
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
            (facets.broken(&test.expect), Some(facets))
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
mod tests;
