//! The passes in a row.
//!
//! A mistake in the shape of a file ends the run after parsing: what stands in such a file is not known
//! whole, and everything said about it later could be a mere consequence.

use weft_snapshot::layout::Bundle;
use weft_spec::Span;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lower::Lowered;
use crate::model::Mesh;
use crate::parse::{self, Values};
use crate::rules::Checked;
use crate::source::Sources;
use crate::surroundings::Surroundings;
use crate::{emit, lower, resolve, rules, verify};

/// Checks a spec; the checked mesh comes back unless an error was found.
pub fn check_spec(
    sources: &Sources,
    values: &Values,
    surroundings: &Surroundings,
) -> (Option<Checked>, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::default();
    let files = parse::parse(sources, values, &mut diagnostics);
    if diagnostics.has_errors() {
        return (None, diagnostics.sorted());
    }
    let mesh = resolve::resolve(&files, sources, &mut diagnostics);
    drop(files);
    let mut checked = mesh.and_then(|mesh| rules::check(mesh, surroundings, &mut diagnostics));
    if let Some(mesh) = &checked {
        rules::check_frozen(mesh, sources, surroundings, &mut diagnostics);
    }
    if diagnostics.has_errors() {
        checked = None;
    }
    (checked, diagnostics.sorted())
}

/// Compiles a spec; a snapshot comes back unless an error was found.
///
/// The surroundings decide which findings there are, never a byte of the snapshot.
pub fn compile(
    sources: &Sources,
    values: &Values,
    surroundings: &Surroundings,
) -> (Option<Bundle>, Vec<Diagnostic>) {
    let (checked, mut found) = check_spec(sources, values, surroundings);
    let Some(checked) = checked else {
        return (None, found);
    };
    let lowered = lower::lower(&checked, sources);
    let idle = without_routes(checked.mesh(), &lowered);
    if !idle.is_empty() {
        found.extend(idle);
        return (None, found);
    }
    match emit::emit(&lowered) {
        Ok(bundle) => match verify::verify(&lowered.plans, &bundle) {
            Ok(()) => (Some(bundle), found),
            Err(mistake) => {
                found.push(Diagnostic::new(
                    &verify::INTERNAL_ERROR,
                    Span::NONE,
                    mistake.to_string(),
                ));
                (None, found)
            }
        },
        Err(error) => {
            let message = format!("{error}: {}", error.cause);
            found.push(Diagnostic::new(
                &parse::codes::TOO_LARGE,
                Span::NONE,
                message,
            ));
            (None, found)
        }
    }
}

/// The gateways that have nothing to do: a proxy refuses a slice without routes, so that it never serves 404 alone.
fn without_routes(mesh: &Mesh, lowered: &Lowered) -> Vec<Diagnostic> {
    let is_idle = |node: &str| {
        let mut plans = lowered.plans.iter();
        let plan = plans.find(|plan| plan.settings.node == node);
        plan.is_some_and(|plan| plan.tables.iter().all(|table| table.hosts.is_empty()))
    };
    let gateways = mesh.gateways.values().map(|gateway| &gateway.name);
    let idle = gateways.filter(|name| is_idle(&format!("gateway/{}", name.value)));
    let told = idle.map(|name| {
        let message = format!("gateway `{}` has no routes", name.value);
        Diagnostic::new(&parse::codes::MISSING_FIELD, name.span, message)
            .saying("a proxy does not start with nothing to serve")
            .help("add a route on one of its listeners, or remove the gateway")
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::compile;
    use crate::parse::Values;
    use crate::rules::testing::sources;
    use crate::surroundings::Surroundings;

    #[test]
    fn a_gateway_without_routes_is_named_where_it_stands() {
        let sources = sources("services: {}");
        let (bundle, found) = compile(&sources, &Values::default(), &Surroundings::default());
        assert!(bundle.is_none());
        let [finding] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(finding.message, "gateway `public` has no routes");
        assert_eq!(
            sources.text(finding.primary.span).trim_end_matches(':'),
            "public"
        );
    }
}
