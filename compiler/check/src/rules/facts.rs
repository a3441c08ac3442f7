//! What rules look at: the mesh, and analyses of it that several rules share and none should repeat.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::thread;

use weft_back::lower::outcome;
use weft_front::model::{
    Backend, Certificate, GatewayId, HostRules, Listener, Mesh, Rule, owned_hosts,
};
use weft_front::{CertificateFacts, CertificateFiles, ReadCertificates, Surroundings};
use weft_snapshot::plan::Outcome;
use weft_snapshot::settings::PathRules;
use weft_space::{Host, HostTable, ListenerUrl, Unknown, analyse_rules, work};
use weft_spec::units::Date;

use crate::graph::{CallGraph, Worst, worst_paths};

/// What is true of the rules of one host of a mesh.
pub type HostAnalysis<'mesh> = weft_space::HostAnalysis<'mesh, Rule>;

/// The mesh and what is computed from it on demand, once.
#[derive(Debug)]
pub struct Facts<'mesh> {
    /// The mesh.
    pub mesh: &'mesh Mesh,
    hosts: OnceCell<Vec<AnalysedHost<'mesh>>>,
    graph: OnceCell<CallGraph<'mesh>>,
    worst: OnceCell<Vec<Worst>>,
    outcomes: Outcomes<'mesh>,
    tables: RefCell<BTreeMap<(GatewayId, usize), Rc<HostTable<'mesh>>>>,
    /// The day on which the spec is checked; rules that need one say nothing without it.
    pub(crate) today: Option<Date>,
    certificates: Option<ReadCertificates>,
    /// Whether rules look for remarks that take long; where not, nobody would see them.
    pub(crate) looks_for_remarks: bool,
}

/// The rules of one host and what is true of them.
#[derive(Debug)]
pub struct AnalysedHost<'mesh> {
    /// The host.
    pub host: HostRules<'mesh>,
    /// What is true of its rules, unless a bound was met.
    pub analysis: Result<HostAnalysis<'mesh>, Unknown>,
}

impl AnalysedHost<'_> {
    /// How its listener is named.
    pub fn url(&self, mesh: &Mesh) -> ListenerUrl {
        let gateway = mesh.gateways.entry(self.host.gateway);
        let listener = gateway.listeners.get(self.host.listener);
        listener.map_or(ListenerUrl::PLAIN, Listener::url)
    }
}

/// Below this number of rules, threads cost more than they save.
const RULES_PER_THREAD: usize = 2_000;

/// The steps that the analysis of all hosts may take, and so many more for each rule (`weft_space::work`).
const HOSTS_STEPS: usize = 100_000_000;
const STEPS_PER_RULE: usize = 1_000;

impl<'mesh> Facts<'mesh> {
    /// Nothing is computed yet.
    pub fn new(mesh: &'mesh Mesh, surroundings: &Surroundings) -> Self {
        Self {
            mesh,
            hosts: OnceCell::new(),
            graph: OnceCell::new(),
            worst: OnceCell::new(),
            outcomes: Outcomes::new(mesh),
            tables: RefCell::default(),
            today: surroundings.today,
            certificates: surroundings.certificates.clone(),
            looks_for_remarks: !surroundings.leaves_out_remarks || !mesh.suppressions.is_empty(),
        }
    }

    /// What the files of a certificate say; nothing if its chain cannot be read here.
    pub(crate) fn certificate(&self, certificate: &Certificate) -> Option<CertificateFacts> {
        self.certificate_files(certificate).facts
    }

    /// What its files are, as far as they can be read.
    pub(crate) fn certificate_files(&self, certificate: &Certificate) -> CertificateFiles {
        let Some(ReadCertificates(read)) = self.certificates.as_ref() else {
            return CertificateFiles::default();
        };
        read(&certificate.chain.value, &certificate.key.value)
    }

    /// Whether it does not matter which of two rules decides.
    pub(crate) fn same_outcome(&self, left: &Rule, right: &Rule) -> bool {
        self.outcomes.of(left) == self.outcomes.of(right)
    }

    /// The hosts of one listener, analysed, in the order of their names.
    pub(crate) fn hosts_of(&self, gateway: GatewayId, listener: usize) -> &[AnalysedHost<'mesh>] {
        let hosts = self.hosts();
        let key = |one: &AnalysedHost<'_>| (one.host.gateway, one.host.listener);
        let start = hosts.partition_point(|one| key(one) < (gateway, listener));
        let end = hosts.partition_point(|one| key(one) <= (gateway, listener));
        hosts.get(start..end).unwrap_or_default()
    }

    /// Which hosts reach a listener, and which hosts of its routes own them.
    pub(crate) fn table(&self, gateway: GatewayId, listener: usize) -> Rc<HostTable<'mesh>> {
        let known = |tables: &BTreeMap<_, Rc<_>>| tables.get(&(gateway, listener)).cloned();
        if let Some(known) = known(&self.tables.borrow()) {
            return known;
        }
        let hosts = self.hosts_of(gateway, listener).iter();
        let served = weft_front::model::served(self.mesh, gateway, listener);
        let table = HostTable::new(served, hosts.map(|one| one.host.host).collect());
        let table = Rc::new(table);
        let mut tables = self.tables.borrow_mut();
        tables.insert((gateway, listener), Rc::clone(&table));
        table
    }

    /// Who calls whom, how long and how often.
    pub(crate) fn graph(&self) -> &CallGraph<'mesh> {
        self.graph.get_or_init(|| CallGraph::new(self.mesh))
    }

    /// The most tries at each service that one request can become.
    pub(crate) fn worst_paths(&self) -> &[Worst] {
        self.worst.get_or_init(|| worst_paths(self.graph()))
    }

    /// A number for what becomes of the requests of a rule: rules with equal numbers treat requests alike.
    pub fn outcome(&self, rule: &Rule) -> u32 {
        self.outcomes.of(rule)
    }

    /// The hosts of all gateways, analysed.
    pub fn hosts(&self) -> &[AnalysedHost<'mesh>] {
        self.hosts.get_or_init(|| analysed(self.mesh))
    }
}

fn analysed(mesh: &Mesh) -> Vec<AnalysedHost<'_>> {
    let hosts = mesh.hosts();
    let owned = owned_hosts(mesh, &hosts);
    let hosts: Vec<(HostRules<'_>, Option<String>)> = hosts.into_iter().zip(owned).collect();
    let rules: usize = hosts.iter().map(|(host, _)| host.rules.len()).sum();
    let steps = HOSTS_STEPS / hosts.len().max(1);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(rules / RULES_PER_THREAD).max(1);
    let chunk = hosts.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let running: Vec<_> = hosts
            .chunks(chunk)
            .map(|hosts| {
                let analysed = move || {
                    hosts
                        .iter()
                        .map(|host| analyse(mesh, host, steps))
                        .collect()
                };
                scope.spawn(analysed)
            })
            .collect();
        let finished = running.into_iter().map(|thread| {
            // Not reached: the analysis does not panic.
            let joined = thread.join();
            joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        let found: Vec<Vec<AnalysedHost<'_>>> = finished.collect();
        found.into_iter().flatten().collect()
    })
}

fn analyse<'mesh>(
    mesh: &'mesh Mesh,
    (host, owned): &(HostRules<'mesh>, Option<String>),
    steps: usize,
) -> AnalysedHost<'mesh> {
    let steps = steps.saturating_add(host.rules.len().saturating_mul(STEPS_PER_RULE));
    let outcomes = Outcomes::new(mesh);
    let same = |left: &Rule, right: &Rule| outcomes.of(left) == outcomes.of(right);
    AnalysedHost {
        analysis: work::within(steps, || {
            analyse_rules(&host.rules, of_host(mesh, host, owned.as_deref()), &same)
        })
        .0,
        host: host.clone(),
    }
}

fn of_host<'run>(mesh: &'run Mesh, host: &HostRules<'run>, owned: Option<&'run str>) -> Host<'run> {
    let listeners = &mesh.gateways.entry(host.gateway).listeners;
    let listener = listeners.get(host.listener);
    Host {
        pattern: host.host,
        owned,
        path_rules: listener.map_or_else(PathRules::default, Listener::path_rules),
        automata: &mesh.automata,
    }
}

/// The number of something that was met before, else the next.
fn number_of<T: Ord>(known: &mut BTreeMap<T, u32>, one: T) -> u32 {
    let fresh = u32::try_from(known.len()).unwrap_or(u32::MAX);
    *known.entry(one).or_insert(fresh)
}

/// What becomes of the requests of rules, as numbers; each rule is lowered once.
#[derive(Debug)]
struct Outcomes<'mesh> {
    mesh: &'mesh Mesh,
    known: RefCell<BTreeMap<String, u32>>,
    /// Those of what is done beside choosing a backend: few, and large.
    alike: RefCell<BTreeMap<Outcome, u32>>,
    /// Those of all of it.
    numbers: RefCell<BTreeMap<(u32, Vec<Share>), u32>>,
}

type Share = (weft_front::model::ServiceId, Option<usize>, u32);

impl<'mesh> Outcomes<'mesh> {
    fn new(mesh: &'mesh Mesh) -> Self {
        Self {
            mesh,
            known: RefCell::default(),
            alike: RefCell::default(),
            numbers: RefCell::default(),
        }
    }

    fn of(&self, rule: &Rule) -> u32 {
        if let Some(known) = self.known.borrow().get(&rule.id) {
            return *known;
        }
        let target = |backend: &Backend| (backend.service, backend.version, backend.share);
        let mut targets: Vec<Share> = rule.live_backends().map(target).collect();
        targets.sort_unstable();
        let outcome = outcome::of_rule(self.mesh, rule, &mut |_| 0);
        let mut outcome = outcome::noticed(&outcome, &rule.matched.path.value);
        if let weft_snapshot::plan::Action::Forward { backends } = &mut outcome.action {
            backends.clear();
        }
        let alike = number_of(&mut self.alike.borrow_mut(), outcome);
        let number = number_of(&mut self.numbers.borrow_mut(), (alike, targets));
        self.known.borrow_mut().insert(rule.id.clone(), number);
        number
    }
}
