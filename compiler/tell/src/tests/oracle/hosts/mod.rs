//! Random listeners with hosts, several on a port, against a plain reading of which listener and table a host comes to.

mod made;
mod tests;
