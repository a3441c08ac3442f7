//! Which route a request takes.
//!
//! The host owns the request: an exact host first, then the longest wildcard, then `*`; a host without
//! a matching route is not asked again further up. Within the host, routes stand in order of
//! precedence, so the answer is the matching route with the smallest number. The trie and the automaton
//! name the routes whose path matches; conditions are tested for those alone, and only while they could
//! still win. Work does not depend on how many routes there are.
//!
//! A header of one line that comes in several has no value, so a route that asks for its value can neither take
//! the request nor let it pass on: where such a route would be the first, the request is refused. What the route
//! asks beside is asked first, and routes behind one that takes the request are not asked at all.

use super::said::{Holds, Said};
use super::view::Route;
use super::{Reader, Slice, part};
use crate::canonical::Refusal;
use crate::hash::{exact_key, hash, suffix_key};
use crate::limits;
use crate::number::wide;
use crate::records::{self, NONE, OTHER_METHODS, Span, method_bit};
use crate::request::{Headers, Request};

/// A request that a route can neither take nor let pass on, because a header came more than once whose value the
/// route asks for.
#[derive(Clone, Copy, Debug)]
pub struct Repeated<'s> {
    /// The route.
    pub route: Route<'s>,
    /// The header, the first of these in the order of the route's conditions.
    pub header: &'s str,
}

impl From<Repeated<'_>> for Refusal {
    fn from(_repeated: Repeated<'_>) -> Self {
        Self::RepeatedHeader
    }
}

impl Slice {
    /// The route that `request` takes in the route table `table`, or `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`Repeated`] when, in order of precedence and before any route that takes the request, there is one of
    /// which everything holds but the value of a header that came in several lines and may have one
    /// (see [`crate::canonical::lines`]). That such a header is there, or is not, can be told of any number of lines.
    pub fn decide<H: Headers>(
        &self,
        table: u32,
        request: &Request<'_, H>,
    ) -> Result<Option<Route<'_>>, Repeated<'_>> {
        let reader = self.reader();
        let Some(host) = owner(reader, table, request.host) else {
            return Ok(None);
        };
        let mut search = Search {
            reader,
            request,
            method: method_bit(request.method),
            best: NONE,
            repeated: None,
            said: Said::default(),
        };
        search.walk(host.root.get());
        search.run_expressions(host);
        let Some(record) = reader.routes().get(wide(search.best)) else {
            return Ok(None);
        };
        let route = Route::new(reader, record, search.best);
        match search.repeated {
            Some(header) => Err(Repeated { route, header }),
            None => Ok(Some(route)),
        }
    }

    /// The host pattern of `table` that owns a canonical `host`.
    pub fn owning_host(&self, table: u32, host: &str) -> Option<&str> {
        let reader = self.reader();
        owner(reader, table, host).map(|owner| reader.text(owner.pattern))
    }
}

/// The most specific host pattern of a table.
pub(super) fn owner<'s>(reader: Reader<'s>, table: u32, host: &str) -> Option<&'s records::Host> {
    let is_exact = |pattern: &[u8]| pattern == host.as_bytes();
    if let Some(found) = find_host(reader, table, exact_key(table, host), is_exact) {
        return Some(found);
    }
    let mut rest = host;
    while let Some((_, suffix)) = rest.split_once('.') {
        let is_suffix = |pattern: &[u8]| {
            pattern
                .strip_prefix(b"*.")
                .is_some_and(|text| text == suffix.as_bytes())
        };
        if let Some(found) = find_host(reader, table, suffix_key(table, suffix), is_suffix) {
            return Some(found);
        }
        rest = suffix;
    }
    find_host(reader, table, exact_key(table, "*"), |pattern| {
        pattern == b"*"
    })
}

fn find_host(
    reader: Reader<'_>,
    table: u32,
    key: u64,
    is_wanted: impl Fn(&[u8]) -> bool,
) -> Option<&records::Host> {
    let slots = reader.host_slots();
    for probe in 0..=limits::PROBES {
        let slot = slots.get(slot(key, probe, slots.len()))?;
        let host = reader.hosts().get(wide(slot.host.get().checked_sub(1)?))?;
        if host.table.get() == table && is_wanted(reader.text_bytes(host.pattern)) {
            return Some(host);
        }
    }
    None
}

/// The slot of a probe in a table whose length is a power of two.
fn slot(key: u64, probe: usize, length: usize) -> usize {
    usize::try_from(key)
        .unwrap_or(usize::MAX)
        .wrapping_add(probe)
        & length.wrapping_sub(1)
}

struct Search<'s, 'r, H> {
    reader: Reader<'s>,
    request: &'r Request<'r, H>,
    method: u32,
    /// The best route so far; [`NONE`] is worse than any.
    best: u32,
    /// The header that keeps the best route from taking the request.
    repeated: Option<&'s str>,
    said: Said<'r>,
}

/// What a route makes of a request whose path it has.
enum Answer<'s> {
    Passes,
    Takes,
    /// All holds, but this header has no value.
    Refuses(&'s str),
}

impl<'s, H: Headers> Search<'s, '_, H> {
    /// Follows the path through the trie. Where both a text and "any" lead on, one of them waits; every
    /// node has one parent, so no node is visited twice.
    fn walk(&mut self, root: u32) {
        let Some(path) = self.request.path.strip_prefix('/') else {
            return;
        };
        let mut waiting: Vec<(u32, Option<&str>)> = Vec::new();
        let mut next = Some((root, Some(path)));
        while let Some((at, remaining)) = next.take().or_else(|| waiting.pop()) {
            let Some(node) = self.reader.nodes().get(wide(at)) else {
                continue;
            };
            self.offer(node.rest);
            let Some(remaining) = remaining else {
                self.offer(node.exact);
                continue;
            };
            let (segment, behind) = match remaining.split_once('/') {
                Some((segment, behind)) => (segment, Some(behind)),
                None => (remaining, None),
            };
            next = self.child(at, segment, remaining);
            let any = node.any.get();
            if any != 0 && !segment.is_empty() {
                if next.is_none() {
                    next = Some((any, behind));
                } else {
                    waiting.push((any, behind));
                }
            }
        }
    }

    /// Where the literal edge that begins with `segment` leads, and what remains of the path behind it. An
    /// edge may hold several segments; all of them must be there.
    fn child<'p>(
        &self,
        parent: u32,
        segment: &str,
        remaining: &'p str,
    ) -> Option<(u32, Option<&'p str>)> {
        let edges = self.reader.edges();
        let key = hash(parent, segment);
        for probe in 0..=limits::PROBES {
            let edge = edges.get(slot(key, probe, edges.len()))?;
            if edge.child.get() == 0 {
                return None;
            }
            if edge.parent.get() == parent
                && let Some(behind) = behind_label(self.reader.text_bytes(edge.label), remaining)
            {
                return Some((edge.child.get(), behind.strip_prefix('/')));
            }
        }
        None
    }

    fn run_expressions(&mut self, host: &records::Host) {
        let Some(automaton) = self.reader.automaton(host.automaton.get()) else {
            return;
        };
        let lists = part(self.reader.route_lists(), host.expressions);
        for pattern in automaton.matches(automaton.run(self.request.path.as_bytes())) {
            if let Some(list) = lists.get(wide(pattern)) {
                self.offer(list.routes);
            }
        }
    }

    /// Takes the first of `routes`, which ascend, that does not let the request pass, if it beats the best so far.
    fn offer(&mut self, routes: Span) {
        for route in part(self.reader.references(), routes) {
            let route = route.get();
            if self.best <= route {
                return;
            }
            let Some(record) = self.reader.routes().get(wide(route)) else {
                continue;
            };
            let repeated = match self.ask(record) {
                Answer::Passes => continue,
                Answer::Takes => None,
                Answer::Refuses(header) => Some(header),
            };
            (self.best, self.repeated) = (route, repeated);
            return;
        }
    }

    fn ask(&mut self, route: &records::Route) -> Answer<'s> {
        let reader = self.reader;
        if !methods_admit(reader, &route.methods, self.method, self.request.method) {
            return Answer::Passes;
        }
        let mut repeated = None;
        for condition in part(reader.conditions(), route.headers) {
            match self.said.header(reader, self.request, condition) {
                Holds::Yes => {}
                Holds::No => return Answer::Passes,
                // What else the route asks may still let the request pass.
                Holds::Untold => repeated = repeated.or(Some(reader.text(condition.name))),
            }
        }
        let mut query = part(reader.conditions(), route.query).iter();
        let holds = query.all(|condition| {
            let query = self.request.query;
            self.said.parameter(reader, query, condition)
        });
        match (holds, repeated) {
            (false, _) => Answer::Passes,
            (true, None) => Answer::Takes,
            (true, Some(header)) => Answer::Refuses(header),
        }
    }
}

/// What remains of a path behind a label of whole segments: nothing, or what begins with a slash.
fn behind_label<'p>(label: &[u8], remaining: &'p str) -> Option<&'p str> {
    if !remaining.as_bytes().starts_with(label) {
        return None;
    }
    remaining
        .get(label.len()..)
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a method, whose bit is `bit` or 0, is among `methods`.
pub(super) fn methods_admit(
    reader: Reader<'_>,
    methods: &records::Methods,
    bit: u32,
    method: &str,
) -> bool {
    let bits = methods.bits.get();
    if bits == 0 || bits & bit != 0 {
        return true;
    }
    bit == 0 && bits & OTHER_METHODS != 0 && reader.texts(methods.list).any(|known| known == method)
}
