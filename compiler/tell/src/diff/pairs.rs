//! Things of both sides that belong together.

use std::collections::{BTreeMap, BTreeSet};

use weft_snapshot::plan::NodePlan;
use weft_snapshot::settings::{Certificate, Listener, ListenerSecurity};

use crate::both::Both;

/// Something of the old side and something of the new side, one of which may be missing.
pub(super) type Pair<T> = Both<Option<T>>;

/// A listener, with the node that has it: what a listener refers to by position is listed there.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeListener<'side> {
    pub(super) plan: &'side NodePlan,
    pub(super) listener: &'side Listener,
}

impl<'side> NodeListener<'side> {
    /// The certificate that it shows; none without TLS.
    pub(super) fn certificate(self) -> Option<&'side Certificate> {
        match self.listener.security {
            ListenerSecurity::Tls { certificate } => self.certificate_at(certificate),
            ListenerSecurity::Plaintext
            | ListenerSecurity::Permissive { .. }
            | ListenerSecurity::Mtls => None,
        }
    }

    /// The certificate that it shows to clients which name no host.
    pub(super) fn default_certificate(self) -> Option<&'side Certificate> {
        self.certificate_at(self.listener.default_certificate?)
    }

    fn certificate_at(self, position: u32) -> Option<&'side Certificate> {
        let certificates = &self.plan.settings.certificates;
        certificates.get(usize::try_from(position).ok()?)
    }
}

/// Pairs of one name.
pub(super) fn by_name<'side, T>(
    sides: Both<&'side [T]>,
    name: impl Fn(&'side T) -> &'side str,
) -> Vec<Pair<&'side T>> {
    let known = sides
        .map(|side| -> BTreeMap<&str, &T> { side.iter().map(|one| (name(one), one)).collect() });
    let names: BTreeSet<&str> = known
        .as_ref()
        .into_iter()
        .flat_map(BTreeMap::keys)
        .copied()
        .collect();
    names
        .into_iter()
        .map(|name| known.as_ref().map(|side| side.get(name).copied()))
        .collect()
}

/// The listeners of a node: those of one name belong together; of the rest, those that are alone on the
/// same address and port, because a new name changes no request.
pub(super) fn listeners(plans: Pair<&NodePlan>) -> Vec<Pair<NodeListener<'_>>> {
    let sides = plans.map(|plan| plan.map_or(&[][..], |plan| plan.settings.listeners.as_slice()));
    let named = by_name(sides, |one| one.name.as_str());
    let is_alone = |listener: &Listener, side: &[Listener]| {
        let same = side
            .iter()
            .filter(|one| (one.address, one.port) == (listener.address, listener.port));
        same.count() == 1
    };
    let mut renamed: BTreeMap<&str, &Listener> = BTreeMap::new();
    for pair in named.iter().filter(|pair| pair.old.is_none()) {
        let Some(after) = pair.new.filter(|after| is_alone(after, sides.new)) else {
            continue;
        };
        let gone = named.iter().filter(|other| other.new.is_none());
        let was = gone.filter_map(|other| other.old).find(|before| {
            (before.address, before.port, before.role) == (after.address, after.port, after.role)
                && is_alone(before, sides.old)
        });
        if let Some(was) = was {
            renamed.insert(&was.name, after);
        }
    }
    let is_taken = |after: &Listener| renamed.values().any(|one| one.name == after.name);
    named
        .into_iter()
        .filter_map(|pair| match (pair.old, pair.new) {
            (Some(before), None) => Some(Both {
                old: Some(before),
                new: renamed.get(before.name.as_str()).copied(),
            }),
            (None, Some(after)) if is_taken(after) => None,
            (_, _) => Some(pair),
        })
        .map(|pair| {
            plans.zip(pair).map(|(plan, listener)| {
                let (plan, listener) = plan.zip(listener)?;
                Some(NodeListener { plan, listener })
            })
        })
        .collect()
}
