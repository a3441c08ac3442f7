//! The passes in a row.
//!
//! A mistake in the shape of a file ends the run after parsing: what stands in such a file is not known
//! whole, and everything said about it later could be a mere consequence.

use weft_back::emit::{self, EmitError, Emitted, InMemory, Proved};
use weft_back::lower::Lowering;
use weft_back::verify::{self, Mistake};
use weft_check::rules;
use weft_front::diagnostic::{Diagnostic, Diagnostics};
use weft_front::model::{Checked, Mesh};
use weft_front::parse::{self, Before, Values};
use weft_front::resolve;
use weft_front::source::Sources;
use weft_front::surroundings::Surroundings;
use weft_snapshot::Slice;
use weft_snapshot::layout::Bundle;
use weft_snapshot::plan::NodePlan;
use weft_space::work;
use weft_spec::{File, FileId, Span};

use crate::diff::compare;
use crate::same;

/// The steps that names may take for which one that leads nowhere is a slip.
const NEAR_STEPS: usize = 50_000_000;

/// Checks a spec; the checked mesh comes back unless an error was found.
pub fn check_spec(
    sources: &Sources,
    values: &Values,
    surroundings: &Surroundings,
) -> (Option<Checked>, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::default();
    surroundings.progress.begin("reading the spec", 0);
    let files = parse::parse(sources, values, &mut diagnostics);
    if diagnostics.has_errors() {
        return (None, diagnostics.sorted());
    }
    let mesh = resolved(&files, sources, &mut diagnostics);
    drop(files);
    check_mesh((mesh, sources), surroundings, diagnostics)
}

/// The same of a spec that is compared with another one: what both have is read once. `before` is what was read of the other side, and
/// what is read of this one takes its place.
pub fn check_side(
    sources: &Sources,
    values: &Values,
    surroundings: &Surroundings,
    before: &mut Before,
) -> (Option<Checked>, Vec<Diagnostic>) {
    let mut diagnostics = Diagnostics::default();
    surroundings.progress.begin("reading the spec", 0);
    let known = std::mem::take(before);
    // A third side there is not.
    let is_first = known.is_empty();
    let parsed = parse::parse_beside(sources, values, known, &mut diagnostics);
    if diagnostics.has_errors() {
        return (None, diagnostics.sorted());
    }
    let is_silent = diagnostics.each().next().is_none();
    let mesh = resolved(&parsed.files, sources, &mut diagnostics);
    if is_first && is_silent {
        *before = Before::new(sources.clone(), parsed);
    }
    let (checked, mut found) = check_mesh((mesh, sources), surroundings, diagnostics);
    let idle = checked
        .as_ref()
        .map(|checked| without_routes(checked.mesh()));
    let idle = idle.unwrap_or_default();
    let checked = checked.filter(|_| idle.is_empty());
    found.extend(idle);
    (checked, found)
}

fn check_mesh(
    (mesh, sources): (Option<Mesh>, &Sources),
    surroundings: &Surroundings,
    mut diagnostics: Diagnostics,
) -> (Option<Checked>, Vec<Diagnostic>) {
    surroundings.progress.begin("checking rules", 0);
    let mut checked = mesh.and_then(|mesh| rules::check(mesh, surroundings, &mut diagnostics));
    if let Some(mesh) = &checked {
        same::check(mesh, sources, surroundings, &mut diagnostics);
    }
    if diagnostics.has_errors() {
        checked = None;
    }
    (checked, diagnostics.sorted())
}

/// Beyond some steps nothing is proposed for names that lead nowhere; nothing else of resolution counts any.
fn resolved(
    files: &[(FileId, File)],
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Mesh> {
    work::within(NEAR_STEPS, || resolve::resolve(files, sources, diagnostics)).0
}

/// Compiles a spec; a snapshot comes back unless an error was found.
///
/// The surroundings decide which findings there are, never a byte of the snapshot.
pub fn compile(
    sources: &Sources,
    values: &Values,
    surroundings: &Surroundings,
) -> (Option<Bundle>, Vec<Diagnostic>) {
    let (emitted, found) = compile_beside(sources, values, surroundings, &Proved::default());
    (emitted.map(|emitted| emitted.bundle), found)
}

/// The same beside a snapshot some slices of which were proved before.
pub fn compile_beside(
    sources: &Sources,
    values: &Values,
    surroundings: &Surroundings,
    proved: &Proved,
) -> (Option<Emitted>, Vec<Diagnostic>) {
    let write = |lowering: &Lowering<'_>| -> Result<_, NotWritten> {
        let emitted = emit::emit_each(lowering, proved, &surroundings.progress, is_meant)?;
        verify::verify_manifest(&emitted.bundle).map_err(NotWritten::Mistake)?;
        Ok(emitted)
    };
    let (compiled, found) = compile_to(sources, values, surroundings, write);
    (compiled.map(|(_, emitted)| emitted), found)
}

/// Compiles a spec to a snapshot that is asked and not written; the checked mesh comes with it.
pub fn compile_in_memory(
    sources: &Sources,
    values: &Values,
    surroundings: &Surroundings,
) -> (Option<(Checked, InMemory)>, Vec<Diagnostic>) {
    let write =
        |lowering: &Lowering<'_>| emit::emit_in_memory(lowering, &surroundings.progress, is_meant);
    compile_to(sources, values, surroundings, write)
}

/// Checks a spec as a build does, all but the proof of what is written: also whether each gateway has something to do, and whether there
/// is a snapshot within the bounds of the format.
pub fn check_to_build(
    sources: &Sources,
    values: &Values,
    surroundings: &Surroundings,
) -> Vec<Diagnostic> {
    let fits = |lowering: &Lowering<'_>| -> Result<(), NotWritten> {
        Ok(emit::fits(lowering, &surroundings.progress)?)
    };
    compile_to(sources, values, surroundings, fits).1
}

fn compile_to<T>(
    sources: &Sources,
    values: &Values,
    surroundings: &Surroundings,
    write: impl FnOnce(&Lowering<'_>) -> Result<T, NotWritten>,
) -> (Option<(Checked, T)>, Vec<Diagnostic>) {
    let (checked, mut found) = check_spec(sources, values, surroundings);
    let Some(checked) = checked else {
        return (None, found);
    };
    let lowering = Lowering::new(&checked, sources);
    let idle = without_routes(checked.mesh());
    if !idle.is_empty() {
        found.extend(idle);
        return (None, found);
    }
    let written = write(&lowering);
    drop(lowering);
    match written {
        Ok(written) => (Some((checked, written)), found),
        Err(NotWritten::Mistake(mistake)) => {
            let message = mistake.to_string();
            let code = &verify::INTERNAL_ERROR;
            found.push(Diagnostic::new(code, Span::NONE, message));
            (None, found)
        }
        Err(NotWritten::TooLarge(error)) => {
            let message = format!("{error}: {}", error.cause);
            let code = &weft_front::diagnostic::TOO_LARGE;
            found.push(Diagnostic::new(code, Span::NONE, message));
            (None, found)
        }
    }
}

/// Why a checked mesh has no snapshot.
enum NotWritten {
    TooLarge(EmitError),
    Mistake(Mistake),
}

impl From<EmitError> for NotWritten {
    fn from(error: EmitError) -> Self {
        Self::TooLarge(error)
    }
}

/// Whether what was written of a plan is what was meant.
fn is_meant(plan: &NodePlan, slice: &Slice) -> Result<(), NotWritten> {
    verify::verify(plan, slice, difference).map_err(NotWritten::Mistake)
}

/// A request that two plans of a node treat differently, by the very comparison of `weft diff`.
fn difference(plan: &NodePlan, read: &NodePlan) -> Option<String> {
    let changes = compare(std::slice::from_ref(plan), std::slice::from_ref(read));
    let cells = changes.changes.iter().flat_map(|change| &change.cells);
    let mut witnesses = cells.map(|cell| cell.witness.to_string());
    witnesses.next()
}

/// The gateways that have nothing to do: a proxy refuses a slice without routes, so that it never serves 404 alone.
fn without_routes(mesh: &Mesh) -> Vec<Diagnostic> {
    let routes = |id| {
        mesh.routes
            .values()
            .filter(move |route| route.gateway == id)
    };
    let gateways = mesh.gateways.iter();
    let idle = gateways.filter(|(id, _)| routes(*id).all(|route| route.rules.is_empty()));
    let told = idle.map(|(id, gateway)| {
        let name = &gateway.name;
        let message = format!("gateway `{}` has no routes", name.value);
        let found = Diagnostic::new(&parse::codes::MISSING_FIELD, name.span, message)
            .saying("a proxy does not start with nothing to serve");
        match routes(id).next() {
            Some(empty) => found
                .label(empty.name.span, "the `rules` of this route are empty")
                .help("add a rule to it, such as `{path: /**, to: orders}`"),
            None => found.help("add a route on one of its listeners, or remove the gateway"),
        }
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use weft_back::lower::lower;
    use weft_front::parse::Values;
    use weft_front::surroundings::Surroundings;
    use weft_front::testing::{sources, unchecked};

    use super::{Before, NotWritten, check_side, check_to_build, compile, is_meant};

    #[test]
    fn a_slice_of_another_plan_is_found_with_a_request() {
        let (checked, sources) = unchecked(
            r#"
            routes:
              r:
                on: public/web
                host: "*.example"
                rules: [{path: "/a/{x}", headers: {v: {regex: "[0-9]+"}}, to: s}, {path: /**, to: s}]
            "#,
        );
        let plan = lower(&checked, &sources).plans.remove(0);
        let mut other = plan.clone();
        other.tables[0].hosts[0].routes.remove(0);
        let slice = other.encode_slice().unwrap();
        let Err(NotWritten::Mistake(mistake)) = is_meant(&plan, &slice) else {
            panic!("it was taken for the other");
        };
        assert!(mistake.to_string().contains("/a/x"), "{mistake}");
    }

    #[test]
    fn a_gateway_without_routes_is_named_where_it_stands() {
        let sources = sources("services: {}");
        let (values, nothing) = (Values::default(), Surroundings::default());
        let (bundle, found) = compile(&sources, &values, &nothing);
        assert!(bundle.is_none());
        let checked = check_to_build(&sources, &values, &nothing);
        assert_eq!(checked.len(), 1, "{checked:?}");
        let (side, told) = check_side(&sources, &values, &nothing, &mut Before::default());
        assert!(side.is_none());
        assert_eq!(told.len(), 1, "{told:?}");
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
