//! Promises that no edit changes how requests are treated: the assertions `noChange` of both sides.
//!
//! Those of the old side count too, so that an edit cannot take a promise back and break it at once.

use serde::Serialize;
use weft_front::model::Mesh;
use weft_front::model::assertion::Form;
use weft_front::settings::risk::{Facet, Risk};
use weft_front::source::Sources;

use super::report::Report;

/// A promise that a part of what becomes of requests stays as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Promise {
    /// What messages call it.
    pub(super) name: String,
    /// Where it is written, as `file:line`.
    pub(super) place: Option<String>,
    /// The part; none means all.
    pub(super) facet: Option<Facet>,
    /// The teams one of which may approve a change.
    pub(super) unless: Vec<String>,
}

/// A promise that a change breaks.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Broken {
    /// The name of the assertion.
    pub name: String,
    /// Where it is written, as `file:line`.
    pub place: Option<String>,
    /// The ids of the statements that break it.
    pub statements: Vec<String>,
    /// The teams one of which could approve.
    pub unless_approved_by: Vec<String>,
}

/// The promises of a spec.
pub(super) fn of(mesh: &Mesh, sources: &Sources) -> Vec<Promise> {
    let promises = mesh.assertions.iter().filter_map(|assertion| {
        let Form::NoChange { facet, unless } = &assertion.form else {
            return None;
        };
        let line = sources.line(assertion.place);
        let place = line.and_then(|line| {
            let file = sources.file(assertion.place.file)?;
            Some(format!("{}:{line}", file.path))
        });
        Some(Promise {
            name: assertion.name.clone(),
            place,
            facet: *facet,
            unless: unless.clone(),
        })
    });
    promises.collect()
}

/// The promises that a report breaks, unless one of these teams may approve that.
pub(super) fn broken(report: &Report, promises: &[Promise], approved_by: &[String]) -> Vec<Broken> {
    let broken = promises.iter().filter_map(|promise| {
        if promise.unless.iter().any(|team| approved_by.contains(team)) {
            return None;
        }
        let statements = report.statements.iter();
        // What governs the mesh treats no request differently.
        let touching = statements
            .filter(|statement| statement.risk != Risk::G1)
            .filter(|statement| promise.facet.is_none_or(|facet| statement.touches(facet)));
        let statements: Vec<String> = touching.map(|statement| statement.id.clone()).collect();
        (!statements.is_empty()).then(|| Broken {
            name: promise.name.clone(),
            place: promise.place.clone(),
            statements,
            unless_approved_by: promise.unless.clone(),
        })
    });
    broken.collect()
}

#[cfg(test)]
mod tests {
    use crate::diff::Gate;
    use crate::diff::tests::{TEAMS, reported};

    #[test]
    fn a_promise_of_either_side_is_kept_unless_it_may_be_broken() {
        let broken = |old: &str, new: &str, approved_by: &[&str]| {
            let mut found = reported(old, new);
            let gate = Gate {
                approved_by: approved_by.iter().map(|team| (*team).to_owned()).collect(),
                ..Gate::default()
            };
            found.keep(&gate);
            found.judge(&gate);
            let names = found.broken.iter().map(|broken| broken.name.clone());
            (names.collect::<Vec<String>>(), found.exit)
        };
        let slower = TEAMS.replace(
            "path: /a/**, to: one",
            "path: /a/**, to: one, timeout: {request: 1s}",
        );
        assert_eq!(broken(TEAMS, &slower, &[]), (Vec::new(), 2));
        let moved = TEAMS.replace("path: /a/**, to: one", "path: /a/**, to: two");
        assert_eq!(broken(TEAMS, &moved, &["b"]).0, ["routes stay"]);
        // What the new side no longer promises still counts once.
        let silent = moved.replace("  - {name: routes stay, noChange: {facet: route}}\n", "");
        assert_eq!(
            broken(TEAMS, &silent, &[]),
            (vec!["routes stay".to_owned()], 3)
        );
        assert_eq!(broken(&silent, &silent, &[]), (Vec::new(), 0));
        let exposed = TEAMS.replace(
            "path: /two/**, to: two}",
            "path: /two/**, to: two}, {path: /c, to: two}",
        );
        assert_eq!(
            broken(TEAMS, &exposed, &[]).0,
            ["nothing opens", "routes stay"]
        );
        assert_eq!(broken(TEAMS, &exposed, &["b"]).0, ["routes stay"]);
    }
}
