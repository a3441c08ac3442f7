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
pub(crate) mod outcome;
mod places;
mod sidecar;

use weft_snapshot::origins::{OriginsPlan, RouteOrigin};
use weft_snapshot::plan::NodePlan;
use weft_snapshot::settings::NodeSettings;

use crate::model::Mesh;
use crate::rules::Checked;
use crate::settings;
use crate::source::Sources;
pub(crate) use places::Lines;

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
struct Node {
    plan: NodePlan,
    origins: Vec<RouteOrigin>,
}

/// Lowers a mesh.
pub fn lower(checked: &Checked, sources: &Sources) -> Lowered {
    let mesh = checked.mesh();
    let lines = Lines::new(sources);
    let hosts = mesh.hosts();
    let gateways = mesh
        .gateways
        .iter()
        .map(|(id, _)| gateway::plan(mesh, id, &hosts, &lines));
    let sidecars = mesh
        .services
        .values()
        .filter_map(|service| sidecar::plan(mesh, service, &lines));
    let mut nodes: Vec<Node> = gateways.chain(sidecars).collect();
    nodes.sort_by(|left, right| left.plan.settings.node.cmp(&right.plan.settings.node));
    let mut lowered = Lowered {
        mesh: mesh.name.value.clone(),
        plans: Vec::with_capacity(nodes.len()),
        origins: OriginsPlan {
            settings: settings::ROUTE
                .iter()
                .map(|setting| setting.name.to_owned())
                .collect(),
            files: sources.iter().map(|(_, file)| file.path.clone()).collect(),
            nodes: std::collections::BTreeMap::new(),
        },
    };
    for Node { plan, origins } in nodes {
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
