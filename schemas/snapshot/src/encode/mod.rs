//! Writes a plan as a slice: interned strings, fixed-size records, and the indexes that `decide` walks.
//!
//! The same plan gives the same bytes. Nothing is decided here: order is precedence, and equal parts
//! are stored once only to be small.

mod expressions;
mod index;
mod outcome;
mod strings;

use std::hash::{Hash as _, Hasher};

use zerocopy::IntoBytes;
use zerocopy::little_endian::U32;

use crate::automaton::{AutomatonError, OwnedAutomaton, compile};
use crate::container;
use crate::layout::{Digest, Digesting};
use crate::plan::{AccessPlan, Condition, Effect, NodePlan, PathPattern, RoutePlan, ValueTest};
use crate::records::{self, FORM, NONE, OTHER_METHODS, method_bit};
use crate::slice::{Slice, SliceError};
use expressions::{Expressions, On};
use outcome::Outcomes;
use strings::Strings;

/// Why a plan cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// An expression of the route has no automaton.
    #[error("route `{route}`: {source}")]
    Expression {
        /// The id of the route or permission, or the host of several.
        route: String,
        /// Why.
        source: AutomatonError,
    },
    /// The settings cannot be written as JSON.
    #[error("the settings cannot be written: {0}")]
    Settings(#[from] serde_json::Error),
    /// What was written does not pass the check that every reader does.
    #[error("the plan breaks a rule of slices: {0}")]
    Refused(#[from] SliceError),
}

impl NodePlan {
    /// The bytes of the slice for this plan, checked as a reader checks them.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when an expression is invalid or too big, or when the plan breaks a rule of slices.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        Ok(self.encode_slice()?.into_bytes())
    }

    /// The same, ready to be read.
    ///
    /// # Errors
    ///
    /// As [`NodePlan::encode`].
    pub fn encode_slice(&self) -> Result<Slice, EncodeError> {
        Ok(Slice::check(self.encode_unchecked()?)?)
    }

    /// A digest of the plan itself: two plans with one digest are equal, so whatever is made of them is. It is for one executable
    /// alone; another one may put the same plan into another order of bytes.
    pub fn digest(&self) -> Digest {
        let mut hashing = Hashing::default();
        self.hash(&mut hashing);
        hashing.digest()
    }

    /// The bytes for this plan, whether or not a reader will take them; tests make bad slices with it.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when an expression is invalid or too big.
    pub fn encode_unchecked(&self) -> Result<Vec<u8>, EncodeError> {
        let mut encoder = Encoder::default();
        for (position, table) in (0_u32..).zip(&self.tables) {
            encoder.table(position, table)?;
        }
        for access in &self.access {
            encoder.access(access)?;
        }
        let settings = serde_json::to_vec(&self.settings)?;
        let policies = serde_json::to_vec(&encoder.outcomes.policies)?;
        Ok(encoder.finish(&settings, &policies))
    }
}

/// Feeds what a plan is made of to a digest. Lengths and kinds are among it, so different plans feed different bytes.
#[derive(Default)]
struct Hashing {
    digesting: Digesting,
    /// What was not fed yet: most pieces are a few bytes, and a digest takes many of them at once for the price of one.
    waiting: Vec<u8>,
}

impl Hashing {
    /// How much waits at most.
    const ROOM: usize = 4_096;

    fn digest(mut self) -> Digest {
        self.digesting.update(&self.waiting);
        self.digesting.digest()
    }
}

impl Hasher for Hashing {
    fn write(&mut self, bytes: &[u8]) {
        if Self::ROOM < self.waiting.len() + bytes.len() {
            self.digesting.update(&self.waiting);
            self.waiting.clear();
        }
        if Self::ROOM < bytes.len() {
            self.digesting.update(bytes);
        } else {
            self.waiting.extend_from_slice(bytes);
        }
    }

    fn finish(&self) -> u64 {
        // Nobody asks for so few bits.
        0
    }
}

/// The sections as they grow.
#[derive(Default)]
struct Encoder {
    strings: Strings,
    string_list: Vec<records::Text>,
    tables: Vec<records::Table>,
    hosts: Vec<records::Host>,
    tries: index::Tries,
    route_lists: Vec<records::RouteList>,
    references: Vec<U32>,
    routes: Vec<records::Route>,
    conditions: Vec<records::Condition>,
    automata: Vec<records::AutomatonPlace>,
    automaton_words: Vec<u8>,
    /// Where the automata of single expressions are.
    known: std::collections::BTreeMap<String, u32>,
    outcomes: Outcomes,
    access: Vec<records::Access>,
    grants: Vec<(String, u32)>,
}

/// A length as a number of a slice. Sections are far below 2^32 records: `limits` bounds them.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn span(start: usize, end: usize) -> records::Span {
    records::Span {
        start: U32::new(number(start)),
        count: U32::new(number(end - start)),
    }
}

impl Encoder {
    fn table(&mut self, position: u32, table: &crate::plan::TablePlan) -> Result<(), EncodeError> {
        let start = self.hosts.len();
        for host in &table.hosts {
            self.host(position, host)?;
        }
        self.tables.push(records::Table {
            hosts: span(start, self.hosts.len()),
        });
        Ok(())
    }

    fn host(&mut self, table: u32, host: &crate::plan::HostPlan) -> Result<(), EncodeError> {
        let position = number(self.hosts.len());
        let first = number(self.routes.len());
        let expressions = self.expressions_on_values(host)?;
        for route in &host.routes {
            let record = self.route(position, route, &expressions);
            self.routes.push(record);
        }
        let records = self
            .routes
            .get(crate::number::wide(first)..)
            .unwrap_or_default();
        let root = self
            .tries
            .add_host(first, &host.routes, records, &mut self.references);
        let (automaton, expressions) = self.expressions(first, host)?;
        self.hosts.push(records::Host {
            table: U32::new(table),
            pattern: self.strings.add(&host.host),
            routes: span(crate::number::wide(first), self.routes.len()),
            root: U32::new(root),
            automaton: U32::new(automaton),
            expressions,
        });
        Ok(())
    }

    fn list<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) -> records::Span {
        let start = self.string_list.len();
        for text in texts {
            let text = self.strings.add(text);
            self.string_list.push(text);
        }
        span(start, self.string_list.len())
    }

    fn route(
        &mut self,
        host: u32,
        route: &RoutePlan,
        expressions: &Expressions<'_>,
    ) -> records::Route {
        records::Route {
            id: self.strings.add(&route.id),
            host: U32::new(host),
            path: self.path(&route.path),
            methods: self.methods(&route.methods),
            headers: self.conditions(On::Header, &route.headers, expressions),
            query: self.conditions(On::Parameter, &route.query, expressions),
            outcome: U32::new(self.outcomes.add(&route.outcome, &mut self.strings)),
        }
    }

    fn path(&mut self, path: &PathPattern) -> records::Path {
        let form = match path {
            PathPattern::Segments { .. } => 0,
            PathPattern::Regex { .. } => 1,
        };
        records::Path {
            form: U32::new(form),
            text: self.strings.add(&path.to_text()),
        }
    }

    fn methods(&mut self, methods: &[String]) -> records::Methods {
        let bits = methods
            .iter()
            .fold(0, |bits, method| match method_bit(method) {
                0 => bits | OTHER_METHODS,
                bit => bits | bit,
            });
        let list = self.list(methods.iter().map(String::as_str));
        records::Methods {
            bits: U32::new(bits),
            list,
        }
    }

    fn conditions(
        &mut self,
        on: On,
        conditions: &[Condition],
        expressions: &Expressions<'_>,
    ) -> records::Span {
        let start = self.conditions.len();
        for condition in conditions {
            let name = self.strings.add(&condition.name);
            let nowhere = (NONE, NONE);
            let (form, text, (automaton, pattern)) = match &condition.test {
                ValueTest::Exact { text } => (0, self.strings.add(text), nowhere),
                ValueTest::Present => (1, strings::no_text(), nowhere),
                ValueTest::Absent => (2, strings::no_text(), nowhere),
                ValueTest::Regex { regex } => {
                    let key = (on, condition.name.as_str(), regex.as_str());
                    let place = expressions.get(&key).copied();
                    // INVARIANT: the expressions were collected from these conditions.
                    (3, self.strings.add(regex), place.unwrap_or(nowhere))
                }
            };
            self.conditions.push(records::Condition {
                form: U32::new(form),
                name,
                text,
                automaton: U32::new(automaton),
                pattern: U32::new(pattern),
            });
        }
        span(start, self.conditions.len())
    }

    fn automaton(&mut self, route: &str, patterns: &[&str]) -> Result<u32, EncodeError> {
        if let [only] = patterns
            && let Some(known) = self.known.get(*only)
        {
            return Ok(*known);
        }
        let automaton = compile(patterns).map_err(|source| EncodeError::Expression {
            route: route.to_owned(),
            source,
        })?;
        let place = self.place(&automaton);
        if let [only] = patterns {
            self.known.insert((*only).to_owned(), place);
        }
        Ok(place)
    }

    /// Writes an automaton.
    fn place(&mut self, automaton: &OwnedAutomaton) -> u32 {
        let start = self.automaton_words.len() / 4;
        self.automaton_words.extend_from_slice(automaton.bytes());
        self.automata.push(records::AutomatonPlace {
            words: span(start, self.automaton_words.len() / 4),
        });
        number(self.automata.len() - 1)
    }

    /// One automaton over the distinct path expressions of a host, and for each the routes that have it.
    fn expressions(
        &mut self,
        first: u32,
        host: &crate::plan::HostPlan,
    ) -> Result<(u32, records::Span), EncodeError> {
        let mut by_expression: std::collections::BTreeMap<&str, Vec<u32>> =
            std::collections::BTreeMap::new();
        for (route, plan) in (first..).zip(&host.routes) {
            if let PathPattern::Regex { regex } = &plan.path {
                by_expression.entry(regex).or_default().push(route);
            }
        }
        if by_expression.is_empty() {
            return Ok((NONE, span(0, 0)));
        }
        let patterns: Vec<&str> = by_expression.keys().copied().collect();
        let automaton = self.automaton(&host.host, &patterns)?;
        let start = self.route_lists.len();
        for routes in by_expression.values() {
            let from = self.references.len();
            self.references
                .extend(routes.iter().map(|route| U32::new(*route)));
            self.route_lists.push(records::RouteList {
                routes: span(from, self.references.len()),
            });
        }
        Ok((automaton, span(start, self.route_lists.len())))
    }

    fn access(&mut self, access: &AccessPlan) -> Result<(), EncodeError> {
        let automaton = match &access.path {
            PathPattern::Regex { regex } => self.automaton(&access.id, &[regex])?,
            PathPattern::Segments { .. } => NONE,
        };
        let position = number(self.access.len());
        self.grants.extend(
            access
                .from
                .iter()
                .map(|identity| (identity.clone(), position)),
        );
        let effect = match access.effect {
            Effect::Admit => 0,
            Effect::Refuse => 1,
        };
        let record = records::Access {
            id: self.strings.add(&access.id),
            effect: U32::new(effect),
            from: self.list(access.from.iter().map(String::as_str)),
            methods: self.methods(&access.methods),
            path: self.path(&access.path),
            automaton: U32::new(automaton),
        };
        self.access.push(record);
        Ok(())
    }

    fn finish(mut self, settings: &[u8], policies: &[u8]) -> Vec<u8> {
        self.grants.sort_unstable();
        self.grants.dedup();
        let grants: Vec<records::Grant> = self
            .grants
            .iter()
            .map(|(identity, access)| records::Grant {
                identity: self.strings.add(identity),
                access: U32::new(*access),
            })
            .collect();
        let slots = index::host_slots(&self.hosts, &self.strings);
        let (nodes, edges) = self.tries.finish(&self.strings);
        let outcomes = self.outcomes;
        let strings = self.strings.finish();
        // In the order of `records::kind`.
        let sections: [&[u8]; 22] = [
            settings,
            &strings,
            self.string_list.as_bytes(),
            self.tables.as_bytes(),
            self.hosts.as_bytes(),
            slots.as_bytes(),
            nodes.as_bytes(),
            edges.as_bytes(),
            self.route_lists.as_bytes(),
            self.references.as_bytes(),
            self.routes.as_bytes(),
            self.conditions.as_bytes(),
            self.automata.as_bytes(),
            &self.automaton_words,
            outcomes.records.as_bytes(),
            outcomes.backends.as_bytes(),
            policies,
            outcomes.rewrites.as_bytes(),
            outcomes.rewrite_parts.as_bytes(),
            outcomes.answers.as_bytes(),
            self.access.as_bytes(),
            grants.as_bytes(),
        ];
        container::write(FORM, &sections)
    }
}
