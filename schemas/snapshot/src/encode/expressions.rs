//! The expressions on headers and parameters: all those on one name of a host as one automaton, so that a value is
//! looked at once, however many routes ask for it.

use std::collections::{BTreeMap, BTreeSet};

use super::{EncodeError, Encoder};
use crate::automaton::{AutomatonError, Limits, compile_within};
use crate::limits;
use crate::plan::{HostPlan, ValueTest};

/// What an expression is held against.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum On {
    /// The value of a header.
    Header,
    /// The value of a parameter.
    Parameter,
}

/// For what an expression is held against, its name and its text: its automaton, and its number in it.
pub(super) type Expressions<'plan> = BTreeMap<(On, &'plan str, &'plan str), (u32, u32)>;

impl Encoder {
    /// Writes the automata of all expressions on headers and parameters of a host.
    pub(super) fn expressions_on_values<'plan>(
        &mut self,
        host: &'plan HostPlan,
    ) -> Result<Expressions<'plan>, EncodeError> {
        let mut found = Expressions::new();
        for ((on, name), expressions) in by_name(host) {
            let patterns: Vec<&str> = expressions.into_iter().collect();
            let places = match patterns.as_slice() {
                [only] => {
                    let route = asking(host, only).unwrap_or(&host.host);
                    vec![(self.automaton(route, &[only])?, 0)]
                }
                several => self.together(host, several)?,
            };
            let keys = patterns.into_iter().map(|pattern| (on, name, pattern));
            found.extend(keys.zip(places));
        }
        Ok(found)
    }

    /// The places of several expressions: one automaton, or some of their own where that would be too large.
    fn together(
        &mut self,
        host: &HostPlan,
        patterns: &[&str],
    ) -> Result<Vec<(u32, u32)>, EncodeError> {
        match compile_within(patterns, Limits::VALUES) {
            Ok(automaton) => {
                let place = self.place(&automaton);
                Ok((0..super::number(patterns.len()))
                    .map(|pattern| (place, pattern))
                    .collect())
            }
            Err(AutomatonError::TooBig { .. }) if patterns.len() <= limits::VALUE_AUTOMATA => {
                let alone = patterns.iter().map(|pattern| {
                    let route = asking(host, pattern).unwrap_or(&host.host);
                    Ok((self.automaton(route, &[pattern])?, 0))
                });
                alone.collect()
            }
            Err(source) => {
                let invalid = match &source {
                    AutomatonError::Invalid { pattern, .. } => patterns.get(*pattern),
                    AutomatonError::TooBig { .. } => None,
                };
                let route = invalid.and_then(|pattern| asking(host, pattern));
                let route = route.unwrap_or(&host.host).to_owned();
                Err(EncodeError::Expression { route, source })
            }
        }
    }
}

/// The distinct expressions of a host by what they are held against.
fn by_name(host: &HostPlan) -> BTreeMap<(On, &str), BTreeSet<&str>> {
    let mut found: BTreeMap<(On, &str), BTreeSet<&str>> = BTreeMap::new();
    for route in &host.routes {
        for (on, conditions) in [(On::Header, &route.headers), (On::Parameter, &route.query)] {
            for condition in conditions {
                if let ValueTest::Regex { regex } = &condition.test {
                    found
                        .entry((on, &condition.name))
                        .or_default()
                        .insert(regex);
                }
            }
        }
    }
    found
}

/// The first route that asks for an expression.
fn asking<'plan>(host: &'plan HostPlan, pattern: &str) -> Option<&'plan String> {
    let mut routes = host.routes.iter();
    let route = routes.find(|route| {
        let mut conditions = route.headers.iter().chain(&route.query);
        conditions.any(|one| matches!(&one.test, ValueTest::Regex { regex } if regex == pattern))
    });
    route.map(|route| &route.id)
}
