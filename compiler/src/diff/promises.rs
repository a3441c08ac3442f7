//! Promises that no edit changes how requests are treated: the assertions `noChange` of both sides.
//!
//! Those of the old side count too, so that an edit cannot take a promise back and break it at once.

use serde::Serialize;

use super::report::Report;
use super::risk::Facet;
use crate::lower::Lines;
use crate::model::Mesh;
use crate::model::assertion::Form;
use crate::source::Sources;

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
    let lines = Lines::new(sources);
    let promises = mesh.assertions.iter().filter_map(|assertion| {
        let Form::NoChange { facet, unless } = &assertion.form else {
            return None;
        };
        let place = lines.place(assertion.place).and_then(|place| {
            let file = sources.file(assertion.place.file)?;
            Some(format!("{}:{}", file.path, place.line))
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
        let touching = statements
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
