//! The snapshot of Weft: its format, the canonical request, and [`Slice::decide`].
//!
//! The compiler and the proxy meet here and nowhere else. A [`plan::NodePlan`] is what one node is to
//! do, as plain values; `encode` (feature `build`) turns it into the bytes of a slice, and
//! [`Slice::check`] turns bytes, hostile ones included, into something in which requests can be looked
//! up in place. The proxy, `weft why` and every analysis call the same [`canonical`] functions and the
//! same `decide`.

pub mod admin;
pub mod automaton;
pub mod canonical;
pub mod choice;
mod container;
#[cfg(feature = "build")]
mod encode;
mod hash;
pub mod head;
pub mod identity;
pub mod layout;
pub mod limits;
mod number;
pub mod origins;
pub mod plan;
pub mod policy;
pub mod reason;
mod records;
pub mod repeat;
mod request;
pub mod settings;
mod slice;

pub use canonical::Refusal;
pub use container::ContainerError;
#[cfg(feature = "build")]
pub use encode::EncodeError;
pub use reason::Reason;
pub use request::{HeaderList, Headers, Request};
pub use settings::NodeSettings;
pub use slice::view;
pub use slice::{Access, Repeated, Slice, SliceError};
