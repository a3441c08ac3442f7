//! Collects what governs the mesh, as it is written: see [`crate::model::governed`].

use weft_spec::mesh::{Exemption, Guardrail, Mesh, Team};
use weft_spec::suppression::Suppression;
use weft_spec::{File, FileId, Spanned};

use crate::model::governed::{Governed, GovernedKind};

/// All of it. Forms for debugging hold every field and no place, because [`Spanned`] shows its value alone.
pub(super) fn collect(mesh: &Spanned<Mesh>, files: &[(FileId, File)]) -> Vec<Governed> {
    let mut found = Vec::new();
    for (name, written) in &mesh.value.teams {
        found.push(team((GovernedKind::Team, &name.value), written));
    }
    let Team {
        files: globs,
        services,
        hosts,
    } = &mesh.value.platform;
    if !globs.is_empty() || !services.is_empty() || !hosts.is_empty() {
        let written = Spanned::new(mesh.value.platform.clone(), mesh.value.name.span);
        found.push(team((GovernedKind::Platform, "platform"), &written));
    }
    for written in &mesh.value.guardrails {
        guardrail(written, &mut found);
    }
    for (_, file) in files {
        for written in &file.assert {
            let name = written.value.name.as_ref();
            found.push(Governed {
                kind: GovernedKind::Assertion,
                name: name.map_or_else(String::new, |name| name.value.clone()),
                content: format!("{:?}", written.value),
                span: written.span,
            });
        }
        for written in &file.suppressions {
            let Suppression {
                code,
                at,
                reason,
                owner,
                until,
            } = &written.value;
            found.push(Governed {
                kind: GovernedKind::Suppression,
                name: code.value.clone(),
                content: format!("{code:?} {at:?} {reason:?} {owner:?} {until:?}"),
                span: written.span,
            });
        }
    }
    found
}

/// A team owns the same whatever the order of its lists.
fn team((kind, name): (GovernedKind, &str), written: &Spanned<Team>) -> Governed {
    let Team {
        files,
        services,
        hosts,
    } = &written.value;
    let (mut files, mut services, mut hosts) = (files.clone(), services.clone(), hosts.clone());
    files.sort();
    services.sort();
    hosts.sort();
    Governed {
        kind,
        name: name.to_owned(),
        content: format!("{files:?} {services:?} {hosts:?}"),
        span: written.span,
    }
}

fn guardrail(written: &Spanned<Guardrail>, found: &mut Vec<Governed>) {
    let Guardrail {
        bound,
        max,
        why,
        exempt,
    } = &written.value;
    let name = bound.value.name();
    found.push(Governed {
        kind: GovernedKind::Guardrail,
        name: name.to_owned(),
        content: format!("{bound:?} {max:?} {why:?}"),
        span: written.span,
    });
    for one in exempt {
        let Exemption {
            place,
            max,
            reason,
            owner,
            until,
        } = &one.value;
        found.push(Governed {
            kind: GovernedKind::Exemption,
            name: name.to_owned(),
            content: format!("{bound:?} {place:?} {max:?} {reason:?} {owner:?} {until:?}"),
            span: one.span,
        });
    }
}
