//! Which value a message is about.

use crate::parse::yaml::NodeId;

/// A value, in what holds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The value.
    pub(super) id: NodeId,
    /// Its key, if it has one.
    pub(super) key: Option<NodeId>,
    /// The name of the type of which it is a field; empty for everything else.
    pub(super) of: &'static str,
}
