//! What one request may cost at worst: a snapshot with which a request could keep a worker busy is refused.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checker, broken};
use crate::limits;
use crate::number::wide;
use crate::records::{self, Span};
use crate::slice::{SliceError, part};

impl Checker<'_> {
    /// Checks the bounds on the work of one request. The other records were checked before.
    pub(super) fn costs(&self) -> Result<(), SliceError> {
        let at_nodes = self.at_nodes();
        for (position, host) in self.reader.hosts().iter().enumerate() {
            let tried = part(self.reader.route_lists(), host.expressions);
            let tried = tried.iter().map(|list| self.of_routes(list.routes));
            let steps = at_nodes.get(wide(host.root.get())).copied().unwrap_or(0);
            let steps = tried.fold(steps, usize::saturating_add);
            if limits::REQUEST_STEPS < steps {
                let what = "a request could meet too many routes";
                return Err(broken("hosts", position, what));
            }
            if limits::VALUE_AUTOMATA < self.most_automata(host) {
                let what = "a value would be held against too many automata";
                return Err(broken("hosts", position, what));
            }
        }
        self.of_access()
    }

    /// For each node of a trie the most steps that a path takes from there on. It follows one literal and the
    /// free segment at most, and children stand behind their parents.
    fn at_nodes(&self) -> Vec<usize> {
        let nodes = self.reader.nodes();
        let mut steps: Vec<usize> = nodes
            .iter()
            .map(|node| {
                let routes = self.of_routes(node.exact);
                routes
                    .saturating_add(self.of_routes(node.rest))
                    .saturating_add(1)
            })
            .collect();
        let mut dearest = vec![0_usize; nodes.len()];
        let mut parents = vec![None; nodes.len()];
        for edge in self.reader.edges() {
            if let Some(parent) = parents.get_mut(wide(edge.child.get())) {
                *parent = Some(wide(edge.parent.get()));
            }
        }
        for at in (0..nodes.len()).rev() {
            let any = nodes.get(at).map_or(0, |node| wide(node.any.get()));
            let behind = if any == 0 {
                0
            } else {
                steps.get(any).copied().unwrap_or(0)
            };
            let literal = dearest.get(at).copied().unwrap_or(0);
            let Some(here) = steps.get_mut(at) else {
                continue;
            };
            *here = here.saturating_add(behind).saturating_add(literal);
            let here = *here;
            let parent = parents.get(at).copied().flatten();
            // Node 0 stands for "no child" and has none.
            if let Some(known) = parent
                .filter(|_| at != 0)
                .and_then(|parent| dearest.get_mut(parent))
            {
                *known = here.max(*known);
            }
        }
        steps
    }

    /// The steps of asking all these routes.
    fn of_routes(&self, routes: Span) -> usize {
        let routes = part(self.reader.references(), routes).iter();
        let routes = routes.filter_map(|route| self.reader.routes().get(wide(route.get())));
        let steps = routes.map(|route| {
            let conditions = wide(route.headers.count.get());
            conditions
                .saturating_add(wide(route.query.count.get()))
                .saturating_add(1)
        });
        steps.fold(0, usize::saturating_add)
    }

    /// The most automata that the routes of a host hold against one header or parameter.
    fn most_automata(&self, host: &records::Host) -> usize {
        let mut automata: BTreeMap<(bool, &str), BTreeSet<u32>> = BTreeMap::new();
        for route in part(self.reader.routes(), host.routes) {
            for (is_query, span) in [(false, route.headers), (true, route.query)] {
                let conditions = part(self.reader.conditions(), span).iter();
                for condition in conditions.filter(|condition| condition.form.get() == 3) {
                    let name = (is_query, self.text(condition.name));
                    automata
                        .entry(name)
                        .or_default()
                        .insert(condition.automaton.get());
                }
            }
        }
        automata.values().map(BTreeSet::len).max().unwrap_or(0)
    }

    /// Access rules are asked one after the other.
    fn of_access(&self) -> Result<(), SliceError> {
        let access = self.reader.access();
        if limits::REQUEST_STEPS < access.len() {
            return Err(broken("access", 0, "too many access rules"));
        }
        let expressions = access.iter().filter(|rule| rule.path.form.get() == 1);
        let automata: BTreeSet<u32> = expressions.map(|rule| rule.automaton.get()).collect();
        if limits::ACCESS_AUTOMATA < automata.len() {
            let what = "a path would be held against too many automata";
            return Err(broken("access", 0, what));
        }
        Ok(())
    }
}
