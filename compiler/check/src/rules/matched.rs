//! Every place of a mesh that names requests by methods and paths, for rules that treat them alike.

use weft_front::model::assertion::{Form, Region};
use weft_front::model::{Match, Mesh, Operation};
use weft_snapshot::plan::PathPattern;
use weft_spec::units::Method;
use weft_spec::{Span, Spanned};

/// The methods of a place.
pub(super) enum Methods<'mesh> {
    /// Each by itself.
    Listed(&'mesh [Spanned<Method>]),
    /// The one of an operation such as `POST /v1/charges`.
    One(&'mesh Method),
}

/// A place that names requests.
pub(super) struct Matched<'mesh> {
    pub(super) methods: Methods<'mesh>,
    pub(super) path: &'mesh PathPattern,
    /// Where the path stands, or the operation; in no file where nothing is said.
    pub(super) span: Span,
}

/// Hands over each of them.
pub(super) fn each<'mesh>(mesh: &'mesh Mesh, look: &mut dyn FnMut(Matched<'mesh>)) {
    for rule in mesh.routes.values().flat_map(|route| &route.rules) {
        matched(&rule.matched, look);
    }
    for service in mesh.services.values() {
        let allowed = service.allow.iter().map(|one| (&one.methods, &one.path));
        let denied = service.deny.iter().map(|one| (&one.methods, &one.path));
        for (methods, path) in allowed.chain(denied) {
            look(Matched {
                methods: Methods::Listed(methods),
                path: &path.value,
                span: path.span,
            });
        }
        for one in service.calls.iter().flat_map(|call| &call.operations) {
            operation(one, look);
        }
    }
    for assertion in &mesh.assertions {
        form(&assertion.form, look);
    }
}

fn form<'mesh>(form: &'mesh Form, look: &mut dyn FnMut(Matched<'mesh>)) {
    match form {
        Form::Never { operation: one, .. } | Form::Only { operation: one, .. } => {
            if let Some(one) = one {
                operation(one, look);
            }
        }
        Form::Always { region: one, .. }
        | Form::Bound { region: one, .. }
        | Form::Exists { region: one, .. }
        | Form::Total { region: one }
        | Form::Same { region: one, .. } => region(one, look),
        Form::NoChange { .. } => {}
    }
}

fn region<'mesh>(region: &'mesh Region, look: &mut dyn FnMut(Matched<'mesh>)) {
    matched(&region.matched, look);
    for one in &region.except {
        matched(one, look);
    }
}

fn matched<'mesh>(one: &'mesh Match, look: &mut dyn FnMut(Matched<'mesh>)) {
    look(Matched {
        methods: Methods::Listed(&one.methods),
        path: &one.path.value,
        span: one.path.span,
    });
}

fn operation<'mesh>(one: &'mesh Operation, look: &mut dyn FnMut(Matched<'mesh>)) {
    look(Matched {
        methods: Methods::One(&one.method),
        path: &one.path,
        span: one.span,
    });
}
