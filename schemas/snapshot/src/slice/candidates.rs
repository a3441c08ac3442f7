//! Which routes could take a path, whatever else they ask: for answers to people, not for requests.

use super::decide::owner;
use super::path::path_matches;
use super::{Slice, part};
use crate::number::wide;
use crate::records::NONE;

/// The form of a path that is an expression.
const EXPRESSION: u32 = 1;

impl Slice {
    /// The positions of the routes of the host pattern that owns `host` whose paths have the canonical `path`, in order of
    /// precedence. Its work grows with the number of routes of the host.
    pub fn routes_with_path(&self, table: u32, host: &str, path: &str) -> Vec<u32> {
        let reader = self.reader();
        let Some(owner) = owner(reader, table, host) else {
            return Vec::new();
        };
        let routes = (owner.routes.start.get()..).zip(part(reader.routes(), owner.routes));
        let mut found: Vec<u32> = routes
            .filter(|(_, route)| route.path.form.get() != EXPRESSION)
            .filter(|(_, route)| path_matches(reader, &route.path, NONE, path))
            .map(|(position, _)| position)
            .collect();
        if let Some(automaton) = reader.automaton(owner.automaton.get()) {
            let lists = part(reader.route_lists(), owner.expressions);
            for pattern in automaton.matches(automaton.run(path.as_bytes())) {
                let list = lists.get(wide(pattern)).map(|list| list.routes);
                let routes = list.map_or(&[][..], |list| part(reader.references(), list));
                found.extend(routes.iter().map(|route| route.get()));
            }
        }
        found.sort_unstable();
        found
    }
}
