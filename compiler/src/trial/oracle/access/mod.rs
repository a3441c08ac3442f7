//! Random permissions, denials and gateways against their slices; see [`tests`].

mod tests;
