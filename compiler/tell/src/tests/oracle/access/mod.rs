//! Random permissions, denials and gateways against their slices; see [`tests`] and [`frozen`].

mod same;
mod tests;
