//! The JSON Schema of a spec file, generated from the types.
