//! From a checked mesh to plans: what each node does, complete and ordered.
//!
//! Every gateway is a node, and so is every service with a sidecar. A plan holds what its node needs and
//! nothing else, so a change to one service leaves the plans of all nodes that do not call it as they are.
//! Places in files go into the origins, beside the plans, for the same reason.
//!
//! | file | makes |
//! |---|---|
//! | [`gateway`] | the plan of a gateway |
//! | [`sidecar`] | the plan of a sidecar |
//! | [`clusters`] | the clusters of one node |
//! | [`outcome`] | what becomes of the requests of one rule |
//! | [`places`] | lines of files, for origins |

mod clusters;
mod gateway;
pub mod outcome;
mod places;
mod sidecar;

use std::collections::BTreeMap;

pub use places::Lines;
use weft_front::model::{Checked, GatewayId, HostRules, Mesh, ServiceId};
use weft_front::settings;
use weft_front::source::Sources;
use weft_snapshot::origins::{OriginsPlan, RouteOrigin};
use weft_snapshot::plan::NodePlan;
use weft_snapshot::settings::NodeSettings;

/// Everything that a snapshot is made of.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The name of the mesh.
    pub mesh: String,
    /// The plans, sorted by node.
    pub plans: Vec<NodePlan>,
    /// Where the routes and permissions of each node were written.
    pub origins: OriginsPlan,
}

/// A plan with the origins of its routes and permissions, in the order in which a slice numbers them.
pub(crate) struct Node {
    pub(crate) plan: NodePlan,
    pub(crate) origins: Vec<RouteOrigin>,
}

/// A mesh that is lowered node by node: of ten thousand plans, whoever writes slices holds a few at a time.
pub struct Lowering<'mesh> {
    mesh: &'mesh Mesh,
    lines: Lines,
    hosts: BTreeMap<GatewayId, Vec<HostRules<'mesh>>>,
    files: Vec<String>,
    nodes: Vec<NodeId>,
}

/// What a node is the proxy of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NodeId {
    Gateway(GatewayId),
    Sidecar(ServiceId),
}

impl std::fmt::Debug for Lowering<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nodes = self.nodes.len();
        formatter
            .debug_struct("Lowering")
            .field("nodes", &nodes)
            .finish_non_exhaustive()
    }
}

impl<'mesh> Lowering<'mesh> {
    /// Prepares what all nodes share.
    pub fn new(checked: &'mesh Checked, sources: &Sources) -> Self {
        let mesh = checked.mesh();
        let mut hosts: BTreeMap<GatewayId, Vec<HostRules<'mesh>>> = BTreeMap::new();
        for host in mesh.hosts() {
            hosts.entry(host.gateway).or_default().push(host);
        }
        let gateways = mesh.gateways.iter().map(|(id, gateway)| {
            let name = format!("gateway/{}", gateway.name.value);
            (name, NodeId::Gateway(id))
        });
        let services = mesh.services.iter();
        let sidecars =
            services
                .filter(|(_, service)| service.app.is_some())
                .map(|(id, service)| {
                    let name = format!("service/{}", service.name.value);
                    (name, NodeId::Sidecar(id))
                });
        let mut nodes: Vec<(String, NodeId)> = gateways.chain(sidecars).collect();
        nodes.sort_by(|(left, _), (right, _)| left.cmp(right));
        Self {
            mesh,
            lines: Lines::new(sources),
            hosts,
            files: sources.iter().map(|(_, file)| file.path.clone()).collect(),
            nodes: nodes.into_iter().map(|(_, id)| id).collect(),
        }
    }

    /// The nodes, sorted by their names.
    pub(crate) fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// The hosts that a gateway has routes for.
    pub fn hosts(&self, gateway: GatewayId) -> &[HostRules<'mesh>] {
        self.hosts.get(&gateway).map_or(&[], Vec::as_slice)
    }

    /// Lowers one node; nothing for a service without a sidecar, which is none.
    pub(crate) fn node(&self, id: NodeId) -> Option<Node> {
        match id {
            NodeId::Gateway(id) => Some(gateway::plan(self.mesh, id, self.hosts(id), &self.lines)),
            NodeId::Sidecar(id) => {
                sidecar::plan(self.mesh, self.mesh.services.entry(id), &self.lines)
            }
        }
    }

    /// The name of the mesh.
    pub(crate) fn mesh(&self) -> &str {
        &self.mesh.name.value
    }

    /// Origins that name the files and no node yet.
    pub(crate) fn origins(&self) -> OriginsPlan {
        OriginsPlan {
            settings: settings::ROUTE
                .iter()
                .map(|setting| setting.name.to_owned())
                .collect(),
            files: self.files.clone(),
            nodes: BTreeMap::new(),
        }
    }
}

/// Lowers a mesh at once.
pub fn lower(checked: &Checked, sources: &Sources) -> Lowered {
    let lowering = Lowering::new(checked, sources);
    let mut lowered = Lowered {
        mesh: lowering.mesh().to_owned(),
        plans: Vec::with_capacity(lowering.nodes().len()),
        origins: lowering.origins(),
    };
    let nodes = lowering.nodes().iter().copied();
    for Node { plan, origins } in nodes.filter_map(|id| lowering.node(id)) {
        lowered
            .origins
            .nodes
            .insert(plan.settings.node.clone(), origins);
        lowered.plans.push(plan);
    }
    lowered
}

/// A node that has nothing yet.
fn blank(mesh: &Mesh, node: String) -> NodeSettings {
    NodeSettings {
        node,
        mesh: mesh.name.value.clone(),
        trust_domain: mesh.trust_domain.value.clone(),
        snapshot_header: mesh.snapshot_header,
        listeners: Vec::new(),
        clusters: Vec::new(),
        certificates: Vec::new(),
    }
}

fn position(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
