//! One file of a spec.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::assertion::Assertion;
use crate::gateway::{Certificate, Gateway};
use crate::mesh::Mesh;
use crate::named::Named;
use crate::route::Route;
use crate::service::Service;
use crate::spanned::Spanned;
use crate::suppression::Suppression;
use crate::test::Test;

/// The version of the language; every file starts with it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
// The name of the type in the JSON Schema.
#[serde(rename = "Version")]
pub enum LanguageVersion {
    /// The first version.
    #[serde(rename = "v1")]
    V1,
}

/// One file of a spec; any number of files make one mesh, and a name defined twice is an error.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct File {
    /// The version of the language: `v1`.
    pub weft: Spanned<LanguageVersion>,
    /// The mesh itself; exactly one file of a spec has it.
    #[serde(default)]
    pub mesh: Option<Spanned<Mesh>>,
    /// The gateways, by name: where traffic enters the mesh.
    #[serde(default)]
    pub gateways: Named<Gateway>,
    /// The certificates that gateways show to clients, by name.
    #[serde(default)]
    pub certificates: Named<Certificate>,
    /// The services, by name.
    #[serde(default)]
    pub services: Named<Service>,
    /// The routes from gateways to services, by name.
    #[serde(default)]
    pub routes: Named<Route>,
    /// Findings that are accepted, each at one place, for a reason and until a day.
    #[serde(default, deserialize_with = "crate::list::whole")]
    pub suppressions: Vec<Spanned<Suppression>>,
    /// What must hold of all requests; a spec for which one does not hold is rejected.
    #[serde(default, deserialize_with = "crate::list::whole")]
    pub assert: Vec<Spanned<Assertion>>,
    /// What should happen to requests; `weft test` runs them.
    #[serde(default, deserialize_with = "crate::list::whole")]
    pub tests: Vec<Spanned<Test>>,
}
