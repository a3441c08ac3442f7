//! Random specs against their slices; see [`tests`] and [`access`].

mod access;
mod tests;
mod written;
