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
    declarations(&mesh.value, &mut found);
    for (_, file) in files {
        for (name, service) in &file.services {
            found.extend(service.value.sensitivity.as_ref().map(|written| Governed {
                kind: GovernedKind::Declaration,
                name: format!("sensitivity of {}", name.value),
                content: format!("{written:?}"),
                span: written.span,
            }));
        }
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

/// The headers that services trust, and those that rules may match with their values: each by itself, so that their order means nothing.
fn declarations(mesh: &Mesh, found: &mut Vec<Governed>) {
    for header in &mesh.trusted_headers {
        found.push(Governed {
            kind: GovernedKind::Declaration,
            name: format!("trusted header {}", header.value.to_ascii_lowercase()),
            content: String::new(),
            span: header.span,
        });
    }
    for (header, values) in &mesh.routing_keys {
        let values = values.value.iter().map(|one| one.value.as_str());
        let mut values: Vec<&str> = values.collect();
        values.sort_unstable();
        found.push(Governed {
            kind: GovernedKind::Declaration,
            name: format!("routing key {}", header.value.to_ascii_lowercase()),
            content: format!("{values:?}"),
            span: header.span,
        });
    }
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

#[cfg(test)]
mod tests {
    use crate::model::governed::GovernedKind;
    use crate::testing::{resolved, sources};

    #[test]
    fn what_rules_go_by_is_collected_each_by_itself() {
        let declared = |keys: &str| {
            let text = format!(
                "mesh: {{name: m, trustDomain: m.test, {keys}}}\nservices: {{s: {{protocol: http, app: 127.0.0.1:1, sensitivity: restricted}}}}\n"
            );
            let mesh = resolved(&sources(&text)).0.unwrap();
            let mut found: Vec<String> = mesh
                .governed
                .iter()
                .filter(|one| one.kind == GovernedKind::Declaration)
                .map(|one| format!("{} {}", one.name, one.content))
                .collect();
            found.sort();
            found
        };
        let all = declared("trustedHeaders: [X-User, x-b], routingKeys: {x-c: [b, a]}");
        assert_eq!(
            all,
            [
                r#"routing key x-c ["a", "b"]"#,
                "sensitivity of s Restricted",
                "trusted header x-b ",
                "trusted header x-user ",
            ]
        );
        let turned = "routingKeys: {x-c: [a, b]}, trustedHeaders: [x-b, x-user]";
        assert_eq!(declared(turned), all);
    }
}
