//! Checks the records, section by section.

use crate::limits;
use crate::number::wide;
use crate::records::{self, NONE, Path};
use crate::slice::{SliceError, part};
use zerocopy::little_endian::U32;

use super::settings_of::is_pattern;
use super::{Checker, Total, broken, fits};

/// The result of one record: what is wrong with it, if anything.
type Verdict = Result<(), &'static str>;

fn ensure(holds: bool, what: &'static str) -> Verdict {
    if holds { Ok(()) } else { Err(what) }
}

/// Checks every record of a section.
fn each<T>(
    section: &'static str,
    records: &[T],
    mut check: impl FnMut(&T) -> Verdict,
) -> Result<(), SliceError> {
    for (position, record) in records.iter().enumerate() {
        check(record).map_err(|what| broken(section, position, what))?;
    }
    Ok(())
}

impl Checker<'_> {
    /// Checks all sections but the settings.
    pub(super) fn records(&self) -> Result<(), SliceError> {
        each("string list", self.reader.string_list(), |text| {
            ensure(self.is_text(*text), "text out of range")
        })?;
        self.automata()?;
        self.hosts()?;
        self.tries()?;
        self.routes()?;
        self.outcomes()?;
        self.access()?;
        self.costs()
    }

    fn automata(&self) -> Result<(), SliceError> {
        let words = self.reader.automaton_words();
        let mut total = Total::of(words);
        each("automata", self.reader.automata(), |place| {
            ensure(total.takes(place.words), "words out of range")?;
            let automaton = crate::automaton::Automaton::split(part(words, place.words));
            // Hosts and conditions check the patterns they expect; 2^32 - 1 leaves that open here.
            ensure(
                automaton.is_some_and(|automaton| automaton.check(u32::MAX)),
                "broken tables",
            )
        })
    }

    fn is_automaton(&self, index: u32, patterns: u32) -> bool {
        self.reader
            .automaton(index)
            .is_some_and(|automaton| automaton.check(patterns))
    }

    fn hosts(&self) -> Result<(), SliceError> {
        let reader = self.reader;
        let hosts = reader.hosts();
        let mut total = Total::of(hosts);
        each("tables", reader.tables(), |table| {
            ensure(total.takes(table.hosts), "hosts out of range")
        })?;
        let mut seen = std::collections::BTreeSet::new();
        let mut next_route = 0;
        let mut lists = Total::of(reader.route_lists());
        each("hosts", hosts, |host| {
            ensure(
                wide(host.table.get()) < reader.tables().len(),
                "table out of range",
            )?;
            ensure(self.is_text(host.pattern), "pattern out of range")?;
            let pattern = self.text(host.pattern);
            ensure(is_pattern(pattern), "not a host pattern")?;
            ensure(
                seen.insert((host.table.get(), pattern)),
                "the same host twice",
            )?;
            // Routes of hosts follow each other, which also gives each route one host.
            ensure(host.routes.start.get() == next_route, "routes not in order")?;
            ensure(
                fits(host.routes, reader.routes().len()),
                "routes out of range",
            )?;
            next_route = next_route.saturating_add(host.routes.count.get());
            ensure(lists.takes(host.expressions), "expressions out of range")?;
            let has_automaton = host.automaton.get() != NONE;
            ensure(
                has_automaton == (host.expressions.count.get() != 0),
                "expressions without automaton",
            )?;
            let patterns = host.expressions.count.get();
            ensure(
                !has_automaton || self.is_automaton(host.automaton.get(), patterns),
                "broken automaton",
            )
        })?;
        if wide(next_route) != reader.routes().len() {
            return Err(broken("hosts", hosts.len(), "routes without a host"));
        }
        let slots = reader.host_slots();
        slots_are_sound("host slots", slots, |slot| slot.host.get() != 0)?;
        each("host slots", slots, |slot| {
            ensure(wide(slot.host.get()) <= hosts.len(), "host out of range")
        })
    }

    /// Tries are trees: each node is the child of one smaller node or the root of one host.
    fn tries(&self) -> Result<(), SliceError> {
        let reader = self.reader;
        let nodes = reader.nodes();
        let mut has_parent = vec![false; nodes.len()];
        let mut adopt = |parent: u32, child: u32| {
            let slot = has_parent.get_mut(wide(child)).ok_or("node out of range")?;
            ensure(
                parent < child && !std::mem::replace(slot, true),
                "a node with two parents",
            )
        };
        each("hosts", reader.hosts(), |host| adopt(0, host.root.get()))?;
        let mut references = Total::of(reader.references());
        let mut at = 0_u32;
        each("nodes", nodes, |node| {
            ensure(
                node.any.get() == 0 || adopt(at, node.any.get()).is_ok(),
                "bad child",
            )?;
            at = at.saturating_add(1);
            ensure(references.takes(node.exact), "routes out of range")?;
            ensure(references.takes(node.rest), "routes out of range")?;
            self.ascends(node.exact)?;
            self.ascends(node.rest)
        })?;
        each("route lists", reader.route_lists(), |list| {
            ensure(references.takes(list.routes), "routes out of range")?;
            self.ascends(list.routes)
        })?;
        let edges = reader.edges();
        slots_are_sound("edges", edges, |edge| edge.child.get() != 0)?;
        each("edges", edges, |edge| {
            if edge.child.get() == 0 {
                return Ok(());
            }
            ensure(self.is_text(edge.label), "label out of range")?;
            adopt(edge.parent.get(), edge.child.get())
        })
    }

    fn ascends(&self, routes: records::Span) -> Verdict {
        let routes = part(self.reader.references(), routes);
        let in_range = routes
            .iter()
            .all(|route| wide(route.get()) < self.reader.routes().len());
        ensure(
            in_range && routes.is_sorted_by_key(|route| route.get()),
            "routes not ascending",
        )
    }

    fn routes(&self) -> Result<(), SliceError> {
        let reader = self.reader;
        if wide(limits::ROUTES) < reader.routes().len() {
            return Err(broken("routes", 0, "too many routes"));
        }
        each("conditions", reader.conditions(), |condition| {
            self.condition(condition)
        })?;
        let mut conditions = Total::of(reader.conditions());
        each("routes", reader.routes(), |route| {
            ensure(
                self.is_text(route.id) && route.id.length.get() != 0,
                "id out of range",
            )?;
            ensure(
                wide(route.host.get()) < reader.hosts().len(),
                "host out of range",
            )?;
            self.path(&route.path)?;
            self.methods(&route.methods)?;
            ensure(conditions.takes(route.headers), "headers out of range")?;
            ensure(conditions.takes(route.query), "query out of range")?;
            ensure(
                wide(route.outcome.get()) < reader.outcomes().len(),
                "outcome out of range",
            )
        })
    }

    fn condition(&self, condition: &records::Condition) -> Verdict {
        ensure(self.is_text(condition.name), "name out of range")?;
        ensure(self.is_optional_text(condition.text), "text out of range")?;
        match condition.form.get() {
            0 => ensure(self.is_text(condition.text), "text out of range"),
            1 | 2 => Ok(()),
            // Its tables were checked with those of all automata, once: many conditions may share it.
            3 => ensure(
                wide(condition.automaton.get()) < self.reader.automata().len(),
                "automaton out of range",
            ),
            _ => Err("unknown form"),
        }
    }

    fn path(&self, path: &Path) -> Verdict {
        ensure(self.is_text(path.text), "text out of range")?;
        let text = self.text(path.text);
        match path.form.get() {
            0 => {
                let is_rooted = text.starts_with('/');
                let segments = text.bytes().filter(|byte| *byte == b'/').count();
                ensure(
                    is_rooted && segments <= limits::SEGMENTS + 1,
                    "not a path pattern",
                )
            }
            1 => Ok(()),
            _ => Err("unknown form"),
        }
    }

    fn methods(&self, methods: &records::Methods) -> Verdict {
        ensure(
            fits(methods.list, self.reader.string_list().len()),
            "methods out of range",
        )?;
        ensure(
            (methods.bits.get() == 0) == (methods.list.count.get() == 0),
            "methods out of step",
        )?;
        ensure(methods.list.count.get() <= 64, "too many methods")
    }

    fn outcomes(&self) -> Result<(), SliceError> {
        let reader = self.reader;
        each("backends", reader.backends(), |backend| {
            ensure(
                wide(backend.cluster.get()) < self.settings.clusters.len(),
                "cluster out of range",
            )
        })?;
        each("rewrite parts", reader.rewrite_parts(), |part| {
            ensure(part.form.get() <= 1, "unknown form")?;
            ensure(self.is_optional_text(part.text), "text out of range")?;
            ensure(
                part.form.get() == 1 || self.is_text(part.text),
                "text out of range",
            )
        })?;
        let mut parts = Total::of(reader.rewrite_parts());
        each("rewrites", reader.rewrites(), |rewrite| {
            ensure(parts.takes(rewrite.parts), "parts out of range")
        })?;
        each("answers", reader.answers(), |answer| {
            is_status(answer.status.get(), 200)?;
            ensure(self.is_optional_text(answer.text), "text out of range")?;
            ensure(self.is_optional_text(answer.kind), "text out of range")?;
            ensure(
                wide(answer.text.length.get()) <= limits::RESPONSE_BYTES,
                "text too long",
            )?;
            ensure(
                crate::policy::is_value(self.text(answer.kind)),
                "not a header value",
            )?;
            ensure(
                answer.port.get() == NONE || (1..=65_535).contains(&answer.port.get()),
                "bad port",
            )?;
            self.rewrite(answer.path)
        })?;
        each("outcomes", reader.outcomes(), |outcome| {
            self.outcome(outcome)
        })
    }

    fn rewrite(&self, index: U32) -> Verdict {
        let is_there = wide(index.get()) < self.reader.rewrites().len();
        ensure(index.get() == NONE || is_there, "rewrite out of range")
    }

    fn targets(&self, outcome: &records::Outcome) -> Verdict {
        let reader = self.reader;
        match outcome.action.get() {
            0 => {
                ensure(outcome.targets.count.get() != 0, "no backend")?;
                ensure(
                    fits(outcome.targets, reader.backends().len()),
                    "backends out of range",
                )?;
                let shares = part(reader.backends(), outcome.targets).iter();
                let sum: u64 = shares.map(|backend| u64::from(backend.share.get())).sum();
                ensure(
                    sum == u64::from(limits::SHARES),
                    "shares do not sum to a million",
                )?;
            }
            1 | 2 => {
                let is_one = outcome.targets.count.get() == 1;
                ensure(
                    is_one && fits(outcome.targets, reader.answers().len()),
                    "answer out of range",
                )?;
            }
            _ => return Err("unknown action"),
        }
        Ok(())
    }

    fn outcome(&self, outcome: &records::Outcome) -> Verdict {
        let reader = self.reader;
        self.targets(outcome)?;
        let is_limit = |millis: U32| millis.get() == NONE || millis.get() <= limits::TIMEOUT_MILLIS;
        ensure(
            is_limit(outcome.request_timeout),
            "request timeout out of range",
        )?;
        ensure(
            is_limit(outcome.backend_request_timeout),
            "backend timeout out of range",
        )?;
        ensure(
            is_limit(outcome.connect_timeout),
            "connect timeout out of range",
        )?;
        ensure(is_limit(outcome.idle_timeout), "idle timeout out of range")?;
        ensure(
            wide(outcome.policy.get()) < reader.policies.len(),
            "policy out of range",
        )?;
        ensure(self.is_optional_text(outcome.host), "host out of range")?;
        self.rewrite(outcome.path)
    }

    fn access(&self) -> Result<(), SliceError> {
        let reader = self.reader;
        each("access", reader.access(), |rule| {
            ensure(self.is_text(rule.id), "id out of range")?;
            ensure(rule.effect.get() <= 1, "unknown effect")?;
            ensure(
                fits(rule.from, reader.string_list().len()),
                "callers out of range",
            )?;
            self.methods(&rule.methods)?;
            self.path(&rule.path)?;
            let is_expression = rule.path.form.get() == 1;
            let is_there = wide(rule.automaton.get()) < reader.automata().len();
            ensure(!is_expression || is_there, "automaton out of range")
        })?;
        let grants = reader.grants();
        each("grants", grants, |grant| {
            ensure(self.is_text(grant.identity), "identity out of range")?;
            ensure(
                wide(grant.access.get()) < reader.access().len(),
                "access rule out of range",
            )
        })?;
        let key = |grant: &records::Grant| (self.text(grant.identity), grant.access.get());
        let is_sorted = grants.windows(2).all(|pair| match pair {
            [left, right] => key(left) < key(right),
            _ => true,
        });
        if is_sorted {
            Ok(())
        } else {
            Err(broken("grants", 0, "not sorted"))
        }
    }
}

/// A hash index: a power of two, some slot free, and no long run of taken ones.
fn slots_are_sound<T>(
    section: &'static str,
    slots: &[T],
    is_taken: impl Fn(&T) -> bool,
) -> Result<(), SliceError> {
    if !slots.len().is_power_of_two() {
        return Err(broken(section, 0, "length is no power of two"));
    }
    let mut run = 0;
    for (position, slot) in slots.iter().enumerate() {
        run = if is_taken(slot) { run + 1 } else { 0 };
        if limits::PROBES < run {
            return Err(broken(section, position, "too many taken slots in a row"));
        }
    }
    Ok(())
}

fn is_status(status: u32, from: u32) -> Verdict {
    ensure((from..=599).contains(&status), "status out of range")
}
