//! Finds credentials among the values of a spec.
//!
//! Looks at everything that would travel in a snapshot as text: header values, conditions, bodies and
//! paths of files. A shape that only credentials have is enough; a header that carries credentials by
//! its name is, too.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Action;
use weft_front::secrets::{CREDENTIAL_HEADERS, SECRET_IN_SPEC, shape};
use weft_snapshot::plan::{Condition, ValueTest};
use weft_spec::{Span, Spanned};

use super::facts::Facts;
use super::header_names::changes;

/// A credential that stands in the spec itself.
pub(super) static CODE: Code = Code {
    name: SECRET_IN_SPEC,
    severity: Severity::Error,
    finds: "A private key, a token with a well-known shape, or a literal value for a header such as `authorization`.",
    why: "Specs are kept in git and snapshots in registries; both are read by many. Secrets are given by reference, as files that \
          the proxy reads.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules: [{to: orders, requestHeaders: {set: {authorization: "Bearer 5f4dcc3b5aa765d61d8327deb882cf99"}}}]
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules: [{to: orders, requestHeaders: {remove: [authorization]}}]
"#
    ),
};

/// Reports every credential.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for change in changes(mesh) {
        if let Some(value) = change.value {
            look_at(
                Some(&change.name.value),
                &value.value,
                value.span,
                diagnostics,
            );
        }
    }
    for certificate in mesh.certificates.values() {
        for path in [&certificate.chain, &certificate.key] {
            look_at(None, &path.value, path.span, diagnostics);
        }
    }
    for rule in mesh.routes.values().flat_map(|route| &route.rules) {
        for condition in &rule.matched.headers {
            look_at_condition(true, condition, diagnostics);
        }
        for condition in &rule.matched.query {
            look_at_condition(false, condition, diagnostics);
        }
        if let Action::Respond(respond) = &rule.action
            && let Some(body) = &respond.body
        {
            look_at(None, &body.value, body.span, diagnostics);
        }
    }
}

fn look_at_condition(
    is_header: bool,
    condition: &Spanned<Condition>,
    diagnostics: &mut Diagnostics,
) {
    let Condition { name, test } = &condition.value;
    if let ValueTest::Exact { text } = test {
        let name = is_header.then_some(name.as_str());
        look_at(name, text, condition.span, diagnostics);
    }
}

fn look_at(header: Option<&str>, value: &str, span: Span, diagnostics: &mut Diagnostics) {
    let header = header.map(str::to_ascii_lowercase);
    let credential = header
        .as_deref()
        .filter(|header| CREDENTIAL_HEADERS.contains(header) && !value.is_empty());
    let found = match (shape(value), credential) {
        (Some(shape), _) => format!("the spec holds {shape}"),
        (None, Some(header)) => format!("the spec holds a literal value for `{header}`"),
        (None, None) => return,
    };
    diagnostics.push(
        Diagnostic::new(&CODE, span, found)
            .note("whoever can read the spec or a snapshot can use it; consider it known")
            .help("remove it, replace the credential, and let the service read the new one from a file"),
    );
}

#[cfg(test)]
mod tests {
    use crate::testing::check_rules;

    #[test]
    fn credentials_are_known_by_shape_or_by_header() {
        check_rules(
            r#"
            - {path: /a, to: s, headers: {authorization: {present: true}}}
            - {path: /b, to: s, headers: {x-api-key: abc}}  #~ error[secret-in-spec]
            - {path: /c, to: s, requestHeaders: {set: {x-note: AKIAABCDEFGHIJKLMNOP}}}  #~ error[secret-in-spec]
            - {path: /d, respond: {status: 200, body: "hello"}}
            "#,
        );
    }
}
