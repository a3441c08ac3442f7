//! Random specs against their slices; see [`tests`], [`access`] and [`hosts`].

mod access;
mod hosts;
mod tests;
mod written;
