//! Finds header names and values that no message can carry.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use weft_front::model::Action;

use super::facts::Facts;
use super::header_names::changes;

/// Text that is no header.
pub(super) static CODE: Code = Code {
    name: "bad-header",
    severity: Severity::Error,
    finds: "A header name that is not a token, or a value with control characters or blanks at its ends.",
    why: "Such a header would end the message early, or be refused by the next hop.",
    bad: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules: [{to: orders, requestHeaders: {set: {"x team": orders}}}]
"#
    ),
    good: spec!(
        r#"routes:
  orders:
    listener: public/web
    host: "*"
    rules: [{to: orders, requestHeaders: {set: {x-team: orders}}}]
"#
    ),
};

/// Reports every such header.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for change in changes(mesh) {
        if !is_name(&change.name.value) {
            diagnostics.push(bad_name(&change.name.value, change.name.span));
        }
        if let Some(value) = change.value.filter(|value| !is_value(&value.value)) {
            let message = format!("the value of header `{}` cannot be sent", change.name.value);
            diagnostics.push(bad_value(message, value));
        }
    }
    for rule in mesh.routes.values().flat_map(|route| &route.rules) {
        for condition in &rule.matched.headers {
            if !is_name(&condition.value.name) {
                diagnostics.push(bad_name(&condition.value.name, condition.span));
            }
        }
        if let Action::Respond(respond) = &rule.action
            && let Some(content_type) = &respond.content_type
            && !is_value(&content_type.value)
        {
            let message = "the `contentType` cannot be sent".to_owned();
            diagnostics.push(bad_value(message, content_type));
        }
    }
}

fn bad_name(name: &str, span: weft_spec::Span) -> Diagnostic {
    let shown = name.escape_debug().to_string();
    Diagnostic::new(&CODE, span, format!("`{shown}` is not a header name")).help(match name {
        ":path" => "match it by `path` of the rule",
        ":method" => "match it by `methods` of the rule",
        ":authority" => "match it by `host` of the route",
        ":scheme" => "match it by the listener: `http` and `https` are two",
        _ => "use letters, digits and `-`",
    })
}

fn bad_value(message: String, value: &weft_spec::Spanned<String>) -> Diagnostic {
    let text = value.value.as_str();
    let (why, help) = if text.contains(['\r', '\n']) {
        ("a header ends at a line break", "write it in one line")
    } else if text.trim() != text {
        (
            "blanks at its ends are lost on the way",
            "write it without blanks at its ends",
        )
    } else {
        (
            "",
            "use at most 8 KiB of visible text, with blanks only inside",
        )
    };
    Diagnostic::new(&CODE, value.span, message)
        .saying(why)
        .help(help)
}

fn is_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.len() <= 256 && name.bytes().all(is_token)
}

// RFC 9110 section 5.5.
fn is_value(value: &str) -> bool {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let bytes = value.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    bytes.len() <= 8_192
        && bytes
            .iter()
            .all(|byte| matches!(byte, b'\t' | 0x20..=0x7E | 0x80..))
        && !ends.into_iter().flatten().any(is_blank)
}

#[cfg(test)]
mod tests {
    use crate::testing::check_rules;

    #[test]
    fn names_and_values_are_what_a_message_can_carry() {
        check_rules(
            r#"
            - {path: /a, to: s, headers: {"x:y": "1"}}  #~ error[bad-header]
            - {path: /b, to: s, requestHeaders: {add: {x: "a\r\nb"}}}  #~ error[bad-header]
            - {path: /c, to: s, responseHeaders: {set: {X-Good: "a b"}}}
            "#,
        );
    }
}
