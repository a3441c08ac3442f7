//! Finds permissive mTLS without an end.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Mtls;
use weft_spec::units::Date;
use weft_spec::{Span, Spanned};

use super::facts::Facts;

/// Permissive for ever.
pub(super) static CODE: Code = Code {
    name: "permissive-without-until",
    severity: Severity::Error,
    finds: "`mtls: permissive` without `until`, or `until` without it; and, as a warning, `until` that has passed, so that only mTLS is heard any more.",
    why: "Permissive is for moving to strict; without a last day it stays, and plaintext is heard for ever.",
    bad: r"weft: v1
mesh: {name: shop, trustDomain: shop.example, mtls: permissive}
",
    good: r"weft: v1
mesh: {name: shop, trustDomain: shop.example, mtls: permissive, until: 2027-03-31}
",
};

/// Reports the mesh and every service.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    one(
        "the mesh",
        (Some(mesh.mtls), mesh.until),
        facts.today,
        diagnostics,
    );
    for service in mesh.services.values() {
        let what = format!("service `{}`", service.name.value);
        one(
            &what,
            (service.mtls, service.until),
            facts.today,
            diagnostics,
        );
    }
}

fn one(
    what: &str,
    (mtls, until): (Option<Spanned<Mtls>>, Option<Spanned<Date>>),
    today: Option<Date>,
    diagnostics: &mut Diagnostics,
) {
    let permissive = mtls.filter(|mtls| mtls.value == Mtls::Permissive);
    match (permissive, until) {
        (Some(permissive), None) => diagnostics.push(
            Diagnostic::new(
                &CODE,
                permissive.span,
                format!("{what} is permissive without an end"),
            )
            .help("add `until: <YYYY-MM-DD>`, the last day on which plaintext is heard"),
        ),
        (None, Some(until)) => diagnostics.push(
            Diagnostic::new(
                &CODE,
                until.span,
                format!("`until` says nothing: {what} is not permissive"),
            )
            .label(
                mtls.map_or(Span::NONE, |mtls| mtls.span),
                "not `permissive`",
            )
            .help("remove it"),
        ),
        (Some(permissive), Some(until)) if today.is_some_and(|today| until.value < today) => {
            let message = format!(
                "{what} was permissive until {}, and is strict since",
                until.value
            );
            diagnostics.push(
                Diagnostic::new(&CODE, until.span, message)
                    .label(permissive.span, "means `strict` now")
                    .help("remove `mtls: permissive` and `until`, or write a later day")
                    .as_warning(),
            );
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn until_and_permissive_come_together() {
        check(
            r"
            # now: 2026-11-27
            mesh: {name: shop, trustDomain: shop.example, mtls: permissive}  #~ error[permissive-without-until]
            services:
              a: {protocol: http, app: 127.0.0.1:1, mtls: permissive, until: 2027-01-01}
              b: {protocol: http, app: 127.0.0.1:1, mtls: permissive}  #~ error[permissive-without-until]
              c: {protocol: http, app: 127.0.0.1:1, until: 2027-01-01}  #~ error[permissive-without-until]
              # The last day is heard to its end.
              d: {protocol: http, app: 127.0.0.1:1, mtls: permissive, until: 2026-11-27}
              e: {protocol: http, app: 127.0.0.1:1, mtls: permissive, until: 2026-11-26}  #~ warning[permissive-without-until]
            ",
        );
    }
}
