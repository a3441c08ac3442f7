//! Random permissions, denials and gateways against their slices; see [`tests`] and [`frozen`].

mod frozen;
mod tests;
