//! What a run of this very executable wrote and proved before, so that it need not be written and proved again.
//!
//! A slice is a function of its plan. Where the plan of a node has the digest that it had then, its slice has the bytes that it had
//! then, and what was proved of those is proved. Comparing bytes of slices would not do: that no two plans come to the same bytes is a part
//! of what is proved.

use std::collections::BTreeMap;

use weft_snapshot::layout::{Descriptor, Digest, Manifest};

/// The slices of a snapshot by the plans that they were made of; of no snapshot by default.
#[derive(Clone, Debug, Default)]
pub struct Proved {
    nodes: BTreeMap<String, (Digest, Descriptor)>,
}

impl Proved {
    /// The slices of a manifest, of which these were the plans.
    pub fn new(plans: BTreeMap<String, Digest>, manifest: &Manifest) -> Self {
        let nodes = plans.into_iter().filter_map(|(node, plan)| {
            let slice = *manifest.nodes.get(&node)?;
            Some((node, (plan, slice)))
        });
        Self {
            nodes: nodes.collect(),
        }
    }

    /// The slice that this plan of a node came to.
    pub fn slice(&self, node: &str, plan: Digest) -> Option<Descriptor> {
        let (known, slice) = self.nodes.get(node)?;
        (*known == plan).then_some(*slice)
    }
}
