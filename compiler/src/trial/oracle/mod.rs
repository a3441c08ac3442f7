//! Random specs against their slices; see [`tests`].

mod tests;
