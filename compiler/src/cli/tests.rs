//! Commands on real folders.
