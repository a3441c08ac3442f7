//! The files around the slices: OCI image layout.
