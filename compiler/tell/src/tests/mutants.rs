//! Edits to a spec that its tests should notice: one setting changed at a time.
//!
//! Nothing is compiled again. A changed rule takes its place in the order of its host, the request of each test is
//! decided anew, and a test notices if something that it expects is broken. A change that makes no request
//! behave differently is no change, which the comparison of the two tables proves.

use weft_check::assertions::owner::{Decided, decided, owner};
use weft_check::assertions::permits::lets_in;
use weft_check::assertions::reach::rewritten_path;
use weft_check::assertions::region::{host_in, within};
use weft_check::rules::{AnalysedHost, Facts, HostAnalysis};
use weft_front::model::assertion::Region;
use weft_front::model::test::{Asked, Expect, Test};
use weft_front::model::{Action, Caller, Mesh, Rule};
use weft_front::settings::{Expected, ROUTE, Setting, SettingSources};
use weft_snapshot::plan::PathPattern;
use weft_space::languages::Languages;
use weft_space::precedence::order;
use weft_space::{
    Difference, Entry, ListenerUrl, Within, WitnessRequest, differences, differences_within,
};
use weft_spec::{Span, Spanned};

use super::facets::{Facets, expectations, shares};
use super::fates::Fates;
use super::{TestResult, question, written_headers};

/// Hosts with more rules are left out: every change orders all rules of its host again.
const RULES: usize = 2_000;

/// The changes that were tried.
#[derive(Clone, Debug, Default)]
pub struct Mutation {
    /// How many of them a test notices.
    pub noticed: usize,
    /// Those that no test notices.
    pub survivors: Vec<Mutant>,
    /// Hosts that were left out, because they have too many rules or are beyond the bounds of the analysis.
    pub left_out: Vec<String>,
    /// Whether defaults, services, calls and permissions were left out, because there are too many.
    pub has_left_settings: bool,
}

/// A change that no test notices.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// What is changed: `cart/0 without its timeout`.
    pub change: String,
    /// The line that would be changed.
    pub place: Span,
    /// A test that would notice, as an entry of `tests`.
    pub test: String,
}

/// A test that passed, with the request that it sends to the host that is changed, or the region that it is about. What becomes of
/// them is the rules' doing, so that only a change of a rule can break the test.
struct Watcher<'mesh> {
    expect: &'mesh Expect,
    watched: Watched<'mesh>,
}

enum Watched<'mesh> {
    Request(WitnessRequest),
    Region(&'mesh Region),
    /// A region that is treated as in a snapshot, so that any change of it is noticed.
    Same(&'mesh Region),
}

/// One changed rule; none for a rule that is gone.
struct RuleEdit {
    what: &'static str,
    detail: String,
    rule: Option<Rule>,
    /// Whether the change is about which requests the rule takes.
    is_about_requests: bool,
    /// The setting that is changed, if it is one.
    setting: Option<&'static Setting>,
}

/// Tries every change of every rule of every gateway.
pub(super) fn of(facts: &Facts<'_>, results: &[TestResult]) -> Mutation {
    let (mut mutation, mut tried) = (Mutation::default(), Fates::default());
    for one in facts.hosts() {
        let analysis = match &one.analysis {
            Ok(analysis) if analysis.rules.len() <= RULES => analysis,
            Ok(_) | Err(_) => {
                mutation.left_out.push(one.host.host.to_owned());
                continue;
            }
        };
        let unchanged = Unchanged {
            facts,
            host: one,
            analysis,
        };
        let watchers = unchanged.watchers(results);
        for at in 0..analysis.rules.len() {
            // A rule that takes nothing is a finding of its own.
            if analysis.witness.get(at).is_some_and(Option::is_some) {
                unchanged.of_rule(at, &watchers, &mut tried);
            }
        }
    }
    tried.told(&mut mutation);
    mutation
}

/// A host with its rules as they are, one of which is changed at a time.
struct Unchanged<'run, 'mesh> {
    facts: &'run Facts<'mesh>,
    host: &'run AnalysedHost<'mesh>,
    analysis: &'run HostAnalysis<'mesh>,
}

impl<'mesh> Unchanged<'_, 'mesh> {
    fn watchers(&self, results: &[TestResult]) -> Vec<Watcher<'mesh>> {
        let (facts, analysis) = (self.facts, self.analysis);
        let mut languages = analysis.languages();
        let mut watch = |test: &'mesh Test, result: &TestResult| {
            let watched = match &test.asked {
                Asked::One { .. } => {
                    let question = question(test)?;
                    let (owner, request) = owner(facts, &question)?;
                    if !std::ptr::eq(owner, self.host) {
                        return None;
                    }
                    // A proxy may refuse a request before it asks the rules.
                    let decided = decided(&analysis.rules, &request, &mut languages);
                    let seen = self.seen(decided, &request, &mut languages);
                    let answered = result.facets.as_ref()?;
                    let is_by_rules = seen.route == answered.route
                        && (seen.route.is_some() || seen.status == answered.status);
                    is_by_rules.then_some(Watched::Request(request))?
                }
                Asked::All(region) => {
                    host_in(facts, self.host, region)?;
                    match &test.same_as {
                        Some(_) => Watched::Same(region),
                        None => Watched::Region(region),
                    }
                }
            };
            let looking = Watcher {
                expect: &test.expect,
                watched,
            };
            // What the rules as they are would break, something else decides about.
            let is_kept = !self.notices(&looking, &analysis.rules, &mut languages);
            is_kept.then_some(looking)
        };
        let passed = facts.mesh.tests.iter().zip(results);
        let passed = passed.filter(|(_, result)| result.has_passed());
        passed
            .filter_map(|(test, result)| watch(test, result))
            .collect()
    }

    fn of_rule(&self, at: usize, watchers: &[Watcher<'_>], tried: &mut Fates) {
        let (mesh, analysis) = (self.facts.mesh, self.analysis);
        let Some(rule) = analysis.rules.get(at) else {
            return;
        };
        for change in changes(mesh, rule) {
            let mut rules: Vec<&Rule> = analysis.rules.clone();
            match &change.rule {
                Some(changed) => {
                    if let Some(place) = rules.get_mut(at) {
                        *place = changed;
                    }
                }
                None => {
                    rules.remove(at);
                }
            }
            let mut languages = analysis.languages();
            if change.is_about_requests {
                rules = order(&rules, &mut languages);
            }
            let words = format!("`{}` {}{}", rule.id, change.what, change.detail);
            if watchers
                .iter()
                .any(|watcher| self.notices(watcher, &rules, &mut languages))
            {
                tried.add(words, true, None);
            } else if let Some(witness) = self.differs(at, &rules, &change) {
                let url = self.host.url(mesh);
                let before = decided(&analysis.rules, &witness, &mut languages);
                let expected = Facets::of_decided(mesh, before);
                let setting = change.setting;
                let survivor = Mutant {
                    test: ready_made(&words, url, &witness, &expected, setting),
                    change: words.clone(),
                    place: rule.place(),
                };
                tried.add(words, false, Some(survivor));
            }
        }
    }

    /// Whether a test would fail.
    fn notices(&self, watcher: &Watcher<'_>, rules: &[&Rule], languages: &mut Languages) -> bool {
        let (facts, analysis) = (self.facts, self.analysis);
        match &watcher.watched {
            Watched::Request(request) => {
                let decided = decided(rules, request, languages);
                let seen = self.seen(decided, request, languages);
                !seen.broken(watcher.expect).is_empty()
            }
            Watched::Region(region) => {
                let found = within(rules, analysis.path_rules, region, &analysis.host);
                found.unwrap_or_default().into_iter().any(|taken| {
                    let seen = Facets::of_rule(facts.mesh, taken.rule);
                    !seen.broken(watcher.expect).is_empty()
                })
            }
            Watched::Same(region) => {
                let (old, new) = (side(facts, &analysis.rules), side(facts, rules));
                let within = Within {
                    entry: Entry::of(&region.matched),
                    except: region.except.iter().map(Entry::of).collect(),
                };
                let rules = analysis.path_rules;
                let found = differences_within(&old, &new, Some(&within), rules, &analysis.host);
                found.is_ok_and(|found| !found.is_empty())
            }
        }
    }

    /// What becomes of a request, the service called included: it may refuse what a rule forwards.
    fn seen(
        &self,
        decided: Decided<'_>,
        request: &WitnessRequest,
        languages: &mut Languages,
    ) -> Facets {
        let mesh = self.facts.mesh;
        let caller = Caller::Gateway(self.host.host.gateway);
        let mut seen = Facets::of_decided(mesh, decided);
        let Decided::By(rule) = decided else {
            return seen;
        };
        let arrives = WitnessRequest {
            path: rewritten_path(rule, &request.path),
            ..request.clone()
        };
        let mut live = rule.live_backends();
        let is_refused = live.any(|backend| {
            let service = mesh.services.entry(backend.service);
            !lets_in(mesh, service, caller, &arrives, languages)
        });
        if is_refused {
            seen.refuse();
        }
        seen.path = Some(arrives.path);
        seen
    }

    /// A request that behaves differently after a change; none if there is none, or if nobody knows.
    fn differs(&self, at: usize, rules: &[&Rule], change: &RuleEdit) -> Option<WitnessRequest> {
        let (facts, analysis) = (self.facts, self.analysis);
        if !change.is_about_requests {
            let (old, new) = (analysis.rules.get(at)?, change.rule.as_ref()?);
            let (old, new) = (
                Facets::of_rule(facts.mesh, Some(old)),
                Facets::of_rule(facts.mesh, Some(new)),
            );
            return analysis.witness.get(at)?.clone().filter(|_| old != new);
        }
        let (old, new) = (side(facts, &analysis.rules), side(facts, rules));
        let regions = differences(&old, &new, analysis.path_rules, &analysis.host).ok()?;
        let cells = regions.into_iter().flat_map(|region| region.cells);
        let mut languages = analysis.languages();
        // That a rule answers 404 and that none answers look alike to a test.
        let mut is_seen = |witness: &WitnessRequest| {
            let mut seen = |rules: &[&Rule]| {
                let taker = decided(rules, witness, &mut languages);
                Facets::of_decided(facts.mesh, taker)
            };
            let (before, after) = (seen(&analysis.rules), seen(rules));
            before.route.is_some() || before.status != after.status
        };
        cells
            .map(|cell| cell.witness)
            .find(|witness| is_seen(witness))
    }
}

/// A table for a comparison.
fn side<'run>(facts: &Facts<'_>, rules: &[&'run Rule]) -> Difference<'run> {
    Difference {
        actions: rules.iter().map(|rule| facts.outcome(rule)).collect(),
        entries: rules.iter().map(|rule| Entry::of(*rule)).collect(),
    }
}

/// The changes of one rule.
struct RuleEdits<'mesh> {
    mesh: &'mesh Mesh,
    rule: &'mesh Rule,
    list: Vec<RuleEdit>,
}

impl RuleEdits<'_> {
    fn add(&mut self, what: &'static str, named: &str, edit: &dyn Fn(&mut Rule)) {
        let mut edited = self.rule.clone();
        edit(&mut edited);
        let detail = if named.is_empty() {
            String::new()
        } else {
            format!(" `{named}`")
        };
        self.list.push(RuleEdit {
            what,
            detail,
            rule: Some(edited),
            is_about_requests: true,
            setting: None,
        });
    }

    /// The same for a change that leaves alone which requests the rule takes.
    fn add_setting(&mut self, what: &'static str, edit: &dyn Fn(&mut Rule)) {
        self.add(what, "", edit);
        if let Some(change) = self.list.last_mut() {
            change.is_about_requests = false;
        }
    }

    fn of_match(&mut self) {
        let matched = &self.rule.matched;
        if !matched.methods.is_empty() {
            self.add("for every method", "", &|rule| {
                rule.matched.methods.clear();
            });
        }
        for (at, header) in matched.headers.iter().enumerate() {
            self.add("without its header", &header.value.name, &|rule| {
                rule.matched.headers.remove(at);
            });
        }
        for (at, parameter) in matched.query.iter().enumerate() {
            self.add("without its parameter", &parameter.value.name, &|rule| {
                rule.matched.query.remove(at);
            });
        }
        if let PathPattern::Segments { rest: false, .. } = &matched.path.value {
            self.add("for all paths below its own", "", &|rule| {
                if let PathPattern::Segments { rest, .. } = &mut rule.matched.path.value {
                    *rest = true;
                }
            });
        }
    }

    fn of_outcome(&mut self) {
        let mesh = self.mesh;
        let Action::Forward(backends) = &self.rule.action else {
            self.add_setting("with another status", &|rule| {
                turn_status(&mut rule.action);
            });
            return;
        };
        if 1 < backends.len() {
            self.add_setting("with shares the other way round", &|rule| {
                turn_shares(&mut rule.action);
            });
        }
        let sources = SettingSources::of_rule(mesh, self.rule);
        for setting in ROUTE.iter().copied().filter(|one| one.expected.is_some()) {
            if let Some((what, other)) = (setting.mutant)(&sources.decide(setting).value) {
                self.add_setting(what, &|rule| rule.said.set(setting, Some(other.clone())));
            } else if self.rule.said.get(setting).is_some() {
                self.add_setting("without its", &|rule| rule.said.set(setting, None));
                if let Some(change) = self.list.last_mut() {
                    change.detail = format!(" {}", setting.name);
                }
            } else {
                continue;
            }
            if let Some(change) = self.list.last_mut() {
                change.setting = Some(setting);
            }
        }
    }
}

fn changes(mesh: &Mesh, rule: &Rule) -> Vec<RuleEdit> {
    let gone = RuleEdit {
        what: "is gone",
        detail: String::new(),
        rule: None,
        is_about_requests: true,
        setting: None,
    };
    let mut changes = RuleEdits {
        mesh,
        rule,
        list: vec![gone],
    };
    changes.of_match();
    changes.of_outcome();
    changes.list
}

fn turn_shares(action: &mut Action) {
    if let Action::Forward(backends) = action {
        let mut shares: Vec<u32> = backends.iter().map(|backend| backend.share).collect();
        shares.rotate_left(1);
        for (backend, share) in backends.iter_mut().zip(shares) {
            backend.share = share;
        }
    }
}

fn turn_status(action: &mut Action) {
    match action {
        Action::Redirect(redirect) => {
            let other = match redirect.status() {
                308 => 307,
                _ => 308,
            };
            redirect.code = Some(Spanned::built_in(other));
        }
        Action::Respond(respond) => {
            let status = &mut respond.status.value;
            *status = if *status == 599 { 598 } else { *status + 1 };
        }
        Action::Forward(_) => {}
    }
}

/// An entry of `tests` that a change would break.
fn ready_made(
    change: &str,
    url: ListenerUrl,
    witness: &WitnessRequest,
    facets: &Facets,
    changed: Option<&'static Setting>,
) -> String {
    let mut text = format!(
        "- {{name: \"notices that {change}\", request: \"{} {}\"",
        witness.method,
        url.to(&witness.host, &witness.target())
    );
    let headers = witness.headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value)));
    text.push_str(&written_headers(headers));
    let mut expect = Vec::new();
    if let Some(route) = &facets.route {
        expect.push(format!("route: {route}"));
    }
    if let Some(status) = facets.status {
        expect.push(format!("status: {status}"));
    }
    if !facets.backends.is_empty() {
        expect.push(format!("backend: {}", shares(&facets.backends)));
    }
    // What is changed, and what most tests are about.
    let told = facets.settings.iter();
    let told = told.filter(|(setting, _)| {
        changed == Some(*setting) || matches!(setting.expected, Some(Expected::Field(_)))
    });
    expect.extend(expectations(told));
    text.push_str(", expect: {");
    text.push_str(&expect.join(", "));
    text.push_str("}}");
    text
}
