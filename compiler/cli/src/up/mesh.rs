//! A mesh that runs here: compiled, placed on this machine, published, and with a proxy for each of its nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::time::sleep;
use weft_back::emit::InMemory;
use weft_front::Surroundings;
use weft_front::diagnostic::{Diagnostic, Format};
use weft_front::model::Checked;
use weft_front::source::Sources;
use weft_snapshot::layout::Bundle;
use weft_snapshot::plan::NodePlan;
use weft_snapshot::settings::NodeSettings;

use super::at::At;
use super::ground::{Ground, publish};
use super::place::{Instance, Places};
use super::proxies::{Launch, Proxy};
use super::shown::{self, Serving};
use crate::build::unless_wrong;
use crate::load::{self, Loaded};
use crate::progress::Shown;
use crate::reach::Reach;
use crate::{Context, output};

/// From the start of a command to its listening; it may not be meant to.
const LISTEN: Duration = Duration::from_secs(5);
/// How often is looked whether it does.
const LOOK: Duration = Duration::from_millis(50);
/// The most proxies that are started; each is a process.
const MOST: usize = 200;

/// The mesh of a run.
pub(super) struct Mesh<'run> {
    context: &'run Context,
    spec: &'run Path,
    executable: PathBuf,
    places: Places,
    ground: Option<Ground>,
    /// What was read last, whether or not it was accepted.
    last: Option<Sources>,
    published: Option<Bundle>,
    generation: u64,
    proxies: Vec<Proxy>,
    /// What is still to be said of the start.
    news: Option<News>,
    /// Where processes are expected, as it was said last.
    told: BTreeMap<String, SocketAddr>,
}

/// What came of a start or an edit.
struct News {
    placed: Placed,
    changed: Vec<String>,
    began: Instant,
}

/// A spec that was accepted: what each node does, wherever it is.
struct Compiled {
    mesh: String,
    plans: Vec<NodePlan>,
    origins: Vec<u8>,
    /// The versions of services: `orders@v2`.
    versions: Vec<String>,
}

/// A snapshot for this machine.
struct Placed {
    /// The snapshot of all nodes.
    bundle: Bundle,
    /// Each proxy.
    made: Vec<Made>,
    /// The snapshots of versions that have a process of their own.
    versions: Vec<(Instance, Bundle)>,
}

/// What one proxy gets.
struct Made {
    instance: Instance,
    /// Its node's settings in the spec.
    written: NodeSettings,
    /// The same on this machine.
    here: NodeSettings,
    slice: Vec<u8>,
}

impl<'run> Mesh<'run> {
    /// Nothing runs yet.
    pub(super) fn new(
        context: &'run Context,
        spec: &'run Path,
        executable: PathBuf,
        given: Vec<At>,
    ) -> Self {
        Self {
            context,
            spec,
            executable,
            places: Places::new(given),
            ground: None,
            last: None,
            published: None,
            generation: 0,
            proxies: Vec::new(),
            news: None,
            told: BTreeMap::new(),
        }
    }

    /// The proxies, to be stopped.
    pub(super) fn into_proxies(self) -> Vec<Proxy> {
        self.proxies
    }

    /// Starts everything; false when the spec was rejected.
    pub(super) async fn start(&mut self) -> anyhow::Result<bool> {
        let began = Instant::now();
        let sources = load::sources(self.spec, &self.context.values)?;
        let Some(compiled) = self.compiled(sources)? else {
            return Ok(false);
        };
        self.news = Some(self.run(&compiled, began).await?);
        Ok(true)
    }

    /// Says what runs and where. A command that was started is given the time to listen.
    pub(super) async fn greet(&mut self, command: Option<&mut Child>) -> anyhow::Result<()> {
        let Some(news) = self.news.take() else {
            return Ok(());
        };
        if let Some(command) = command {
            let end = Instant::now() + LISTEN;
            let is_over = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
            while !self.listen(&news) && !is_over(command) && Instant::now() < end {
                sleep(LOOK).await;
            }
        }
        self.say(&news, true)
    }

    /// Whether every process of the mesh listens.
    fn listen(&self, news: &News) -> bool {
        let mut made = news.placed.made.iter();
        made.all(|one| {
            let process = self.places.process(&one.instance, &one.written);
            process.is_none_or(shown::listens)
        })
    }

    /// Reads the spec again, and publishes it if it is another one and is accepted.
    pub(super) async fn follow(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        let sources = match load::sources(self.spec, &self.context.values) {
            Ok(sources) if self.last.as_ref() == Some(&sources) => return Ok(()),
            Ok(sources) => sources,
            // A file may be gone for a moment while it is replaced; the next change brings it back.
            Err(error) => return self.kept(&format!("{error:#}")),
        };
        match self.compiled(sources)? {
            None => self.kept("the spec was rejected"),
            Some(compiled) => match self.run(&compiled, began).await {
                Err(error) if error.is::<NotHere>() => self.kept(&format!("{error:#}")),
                Err(error) => Err(error),
                Ok(news) => self.say(&news, false),
            },
        }
    }

    /// Whether all proxies run.
    ///
    /// # Errors
    ///
    /// When one has ended.
    pub(super) fn lives(&mut self) -> anyhow::Result<()> {
        self.proxies.iter_mut().try_for_each(Proxy::lives)
    }

    /// Says that an edit changed nothing, and why.
    fn kept(&self, why: &str) -> anyhow::Result<()> {
        let generation = self.generation;
        if matches!(self.context.format, Format::Json) {
            return output::result(&shown::rejected(generation));
        }
        output::aside(&format!(
            "{why}; generation {generation} goes on, and the next edit is waited for\n"
        ))
    }

    fn compiled(&mut self, sources: Sources) -> anyhow::Result<Option<Compiled>> {
        let loaded = Loaded::from(sources);
        let (compiled, found) = self.compile(&loaded);
        output::findings(self.context, &found, &loaded.sources)?;
        self.last = Some(loaded.sources);
        Ok(compiled.map(|(checked, snapshot)| Compiled::of(&checked, snapshot)))
    }

    fn compile(&self, loaded: &Loaded) -> (Option<(Checked, InMemory)>, Vec<Diagnostic>) {
        let shown = Shown::of(self.context);
        let surroundings = Surroundings {
            snapshots: Some(crate::same::snapshots(Reach::new(
                self.spec,
                &self.context.also_read,
            ))),
            progress: shown.progress(),
            ..Surroundings::default()
        };
        unless_wrong(loaded.found.clone(), || {
            weft_tell::compile_in_memory(&loaded.sources, &loaded.values, &surroundings)
        })
    }

    /// Publishes a snapshot, and starts and stops proxies as it wants them.
    async fn run(&mut self, compiled: &Compiled, began: Instant) -> anyhow::Result<News> {
        let placed = self.placed(compiled)?;
        let before = self.published.as_ref().map(Bundle::contents);
        let slice_before = |node: &str| before?.nodes.get(node);
        let nodes = placed.bundle.contents().nodes.iter();
        let changed = nodes.filter(|(node, slice)| slice_before(node) != Some(*slice));
        let changed: Vec<String> = changed.map(|(node, _)| node.clone()).collect();
        // An edit that was taken back is published already.
        if self.published.as_ref() != Some(&placed.bundle) {
            self.publish(&placed)?;
            self.swap(&placed).await?;
            self.published = Some(placed.bundle.clone());
        }
        Ok(News {
            placed,
            changed,
            began,
        })
    }

    /// Chooses addresses, and makes the slices of this machine.
    fn placed(&mut self, compiled: &Compiled) -> anyhow::Result<Placed> {
        let nodes: Vec<NodeSettings> = compiled.settings().cloned().collect();
        let Some(first) = nodes.first() else {
            let message =
                "the mesh has no gateway and no service with a sidecar, so nothing would run";
            return Err(NotHere(message.to_owned()).into());
        };
        self.ground(&first.trust_domain)?;
        let instances = self.places.instances(&nodes, &compiled.versions);
        let instances = instances.map_err(|error| NotHere::because(&error))?;
        if MOST < instances.len() {
            let (count, most) = (instances.len(), MOST);
            let message = format!(
                "the mesh has {count} nodes, and each would be a process here; {most} are the most"
            );
            return Err(NotHere(message).into());
        }
        let chosen = self.places.choose(&nodes, &instances);
        chosen.map_err(|error| NotHere::because(&error))?;
        let ground = self.ground.as_mut().context("the folder of the run")?;
        ground.certify(&nodes)?;
        let mut made = Vec::with_capacity(instances.len());
        for instance in instances {
            let mut plans = compiled.plans.iter();
            let plan = plans.find(|plan| plan.settings.node == instance.node);
            let mut plan = plan.context("a node without a plan")?.clone();
            let written = plan.settings.clone();
            self.places.apply(&instance, &mut plan.settings, |name| {
                let (chain, key) = ground.certificate(name);
                (chain.display().to_string(), key.display().to_string())
            });
            made.push(Made {
                instance,
                written,
                slice: plan.encode()?,
                here: plan.settings,
            });
        }
        Ok(Placed::new(&compiled.mesh, &compiled.origins, made))
    }

    /// Makes the folder of the run, for the one trust domain that a run has.
    fn ground(&mut self, trust_domain: &str) -> anyhow::Result<()> {
        match &self.ground {
            None => self.ground = Some(Ground::new(trust_domain)?),
            Some(ground) if ground.trust_domain() == trust_domain => {}
            Some(ground) => {
                let before = ground.trust_domain();
                let message = format!(
                    "the trust domain was `{before}` and is `{trust_domain}`: no identity would be believed any more; start `weft up` anew"
                );
                return Err(NotHere(message).into());
            }
        }
        Ok(())
    }

    fn publish(&mut self, placed: &Placed) -> anyhow::Result<()> {
        let ground = self.ground.as_ref().context("the folder of the run")?;
        let all = ground.snapshot(&Instance {
            node: String::new(),
            version: None,
        });
        // Somebody may have tried something in the folder, such as a snapshot of another generation.
        let there = Ground::generation(&all).unwrap_or(0);
        self.generation = self.generation.max(there).saturating_add(1);
        for (instance, bundle) in &placed.versions {
            publish(&ground.snapshot(instance), bundle, self.generation)?;
        }
        publish(&all, &placed.bundle, self.generation)
    }

    /// Ends proxies of nodes that are gone, starts those of new ones, and waits until all serve.
    async fn swap(&mut self, placed: &Placed) -> anyhow::Result<()> {
        let wanted: BTreeSet<&Instance> = placed.instances().collect();
        self.proxies
            .retain(|proxy| wanted.contains(&proxy.instance));
        for proxy in &mut self.proxies {
            if let Some(refusal) = proxy.serves(self.generation).await? {
                let name = proxy.instance.name();
                output::aside(&format!(
                    "{name} refused the snapshot and goes on with the last one: {refusal}\n"
                ))?;
            }
        }
        let running: BTreeSet<Instance> =
            self.proxies.iter().map(|it| it.instance.clone()).collect();
        let ground = self.ground.as_ref().context("the folder of the run")?;
        let mut fresh = Vec::new();
        for instance in placed.instances() {
            if !running.contains(instance) {
                let launch = Launch {
                    executable: &self.executable,
                    snapshot: &ground.snapshot(instance),
                    identity: ground.identity(instance)?,
                    log: ground.log(instance),
                    admin: self.places.spare()?,
                };
                fresh.push(Proxy::start(instance.clone(), launch)?);
            }
        }
        let from = self.proxies.len();
        self.proxies.extend(fresh);
        for proxy in self.proxies.iter_mut().skip(from) {
            proxy.ready().await?;
        }
        Ok(())
    }

    fn say(&mut self, news: &News, is_first: bool) -> anyhow::Result<()> {
        let News {
            placed,
            changed,
            began,
        } = news;
        let ground = self.ground.as_ref().context("the folder of the run")?;
        let authority = ground.authority_file();
        let snapshot = ground.snapshot(&Instance {
            node: String::new(),
            version: None,
        });
        let mut serving = Serving::new(self.generation, &snapshot, &authority);
        for one in &placed.made {
            let process = self.places.process(&one.instance, &one.written);
            if let Some(proxy) = self.proxies.iter().find(|it| it.instance == one.instance) {
                serving.add(proxy, &one.here, process);
            }
        }
        serving.changed.clone_from(changed);
        serving.requests = shown::requests(&placed.bundle, &authority);
        let before = std::mem::replace(&mut self.told, serving.expected());
        match self.context.format {
            Format::Json => output::result(&format!("{}\n", serde_json::to_string(&serving)?)),
            Format::Human if is_first => output::people(&serving.text(began.elapsed())),
            Format::Human => output::people(&serving.news(began.elapsed(), &before)),
            // These are formats of findings; what runs is no finding.
            Format::Sarif | Format::Github => Ok(()),
        }
    }
}

/// A mesh that is right and cannot run here as it is.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NotHere(String);

impl NotHere {
    fn because(error: &anyhow::Error) -> Self {
        Self(format!("{error:#}"))
    }
}

impl Compiled {
    fn of(checked: &Checked, snapshot: InMemory) -> Self {
        let services = checked.mesh().services.iter();
        let versions = services.flat_map(|(_, service)| {
            let versions = service.versions.iter();
            versions.map(|version| format!("{}@{}", service.name.value, version.name.value))
        });
        let slices = snapshot.slices.values();
        let plans: Vec<NodePlan> = slices.map(|slice| slice.plan()).collect();
        Self {
            mesh: plans
                .first()
                .map_or_else(String::new, |plan| plan.settings.mesh.clone()),
            versions: versions.collect(),
            plans,
            origins: snapshot.origins,
        }
    }

    fn settings(&self) -> impl Iterator<Item = &NodeSettings> {
        self.plans.iter().map(|plan| &plan.settings)
    }
}

impl Placed {
    fn new(mesh: &str, origins: &[u8], made: Vec<Made>) -> Self {
        let together = |version: Option<&Instance>| {
            let is_in = |one: &&Made| match version {
                Some(version) if version.node == one.instance.node => one.instance == *version,
                Some(_) | None => one.instance.version.is_none(),
            };
            let slices = made.iter().filter(is_in);
            let slices = slices.map(|one| (one.instance.node.clone(), one.slice.clone()));
            Bundle::new(mesh, slices.collect(), origins.to_vec())
        };
        let versions = made.iter().map(|one| &one.instance);
        let versions = versions.filter(|instance| instance.version.is_some());
        Self {
            bundle: together(None),
            versions: versions
                .map(|one| (one.clone(), together(Some(one))))
                .collect(),
            made,
        }
    }

    fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.made.iter().map(|one| &one.instance)
    }
}
