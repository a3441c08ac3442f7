//! Finds variables of other products in what rules write: `$1`, `$remote_addr`, `%REQ(host)%`. They are sent as they stand.

use weft_front::diagnostic::{Code, Diagnostic, Diagnostics};
use weft_front::model::action::{NewPath, Redirect, Rewrite};
use weft_front::model::{Action, Mesh, Rule};
use weft_front::parse::codes::LITERAL_VARIABLE;
use weft_snapshot::plan::{PathPattern, RewritePart, Segment};
use weft_spec::Spanned;

use super::facts::Facts;
use super::header_names::changes_of;

/// Said while files are read, too, of those that every shell has.
pub(super) static CODE: &Code = &LITERAL_VARIABLE;

/// Reports every such variable.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh: &Mesh = facts.mesh;
    for rule in mesh.routes.values().flat_map(|route| &route.rules) {
        for change in changes_of(rule) {
            if let Some(value) = change.value {
                header(rule, value, diagnostics);
            }
        }
        if let Some(rewrite) = &rule.rewrite {
            let Rewrite { path, .. } = &**rewrite;
            new_path(rule, path.as_ref(), diagnostics);
        }
        if let Action::Redirect(redirect) = &rule.action {
            let Redirect { path, .. } = &**redirect;
            new_path(rule, path.as_ref(), diagnostics);
        }
    }
}

fn header(rule: &Rule, value: &Spanned<String>, diagnostics: &mut Diagnostics) {
    let Some(name) = variable(&value.value).or_else(|| segment_in(rule, &value.value)) else {
        return;
    };
    let place = (value.span.file, CODE.severity);
    diagnostics.push_with(place, || {
        let message = format!("`{name}` is sent as it stands");
        let found = Diagnostic::new(CODE, value.span, message)
            .note("the value of a header is the same for every request");
        match set_by_proxy(name) {
            Some(header) => found.help(format!("remove it: the proxy sets `{header}` by itself")),
            None => found.help("write the value itself"),
        }
    });
}

fn new_path(rule: &Rule, path: Option<&Spanned<NewPath>>, diagnostics: &mut Diagnostics) {
    let Some(path) = path else {
        return;
    };
    let mut literals = path.value.made.parts.iter().filter_map(|part| match part {
        RewritePart::Literal { text } => variable(text),
        RewritePart::Segment { .. } => None,
    });
    let Some(name) = literals.next() else {
        return;
    };
    let place = (path.span.file, CODE.severity);
    diagnostics.push_with(place, || {
        Diagnostic::new(CODE, path.span, format!("`{name}` becomes a part of the path as it stands"))
            .label(rule.matched.path.span, "the path of the rule")
            .help("name the segment in the path of the rule, as `/old/{id}`, and write `{id}` here; or end both in `/**`")
    });
}

/// The first variable of nginx, a shell, Envoy, HAProxy or an expression in a text; `${X}` is told of where the file is read.
fn variable(text: &str) -> Option<&str> {
    let name_at = |start: usize| {
        let rest = text.get(start..)?;
        let length = rest
            .bytes()
            .skip(1)
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count();
        rest.get(..length.saturating_add(1))
            .filter(|name| 1 < name.len())
    };
    let dollar = text.match_indices('$').find_map(|(at, _)| {
        let name = name_at(at)?;
        let rest = name.get(1..)?;
        // `$5` is a price as a rule, but `$1` to `$3` alone in a segment or value are groups.
        let is_word = rest.bytes().next()?.is_ascii_alphabetic() || rest.starts_with('_');
        let is_group = rest.len() == 1 && rest.bytes().all(|digit| digit.is_ascii_digit());
        (is_word || is_group).then_some(name)
    });
    dollar.or_else(|| operator(text))
}

/// `%REQ(host)%` and `%DOWNSTREAM_REMOTE_ADDRESS%` of Envoy, `%[src]` of HAProxy.
fn operator(text: &str) -> Option<&str> {
    text.match_indices('%').find_map(|(start, _)| {
        let rest = text.get(start..)?;
        let inside = rest.get(1..)?;
        if inside.starts_with('[') {
            let end = rest.find(']')?;
            return rest.get(..=end);
        }
        let end = inside.find('%')?;
        let name = inside.get(..end)?;
        let word = name.split(['(', ':']).next().unwrap_or_default();
        let is_word = 2 < word.len()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        is_word.then(|| rest.get(..end.saturating_add(2)))?
    })
}

/// A free segment of the rule's path in a text, in the form in which a new path names it.
fn segment_in<'text>(rule: &Rule, text: &'text str) -> Option<&'text str> {
    let PathPattern::Segments { segments, .. } = &rule.matched.path.value else {
        return None;
    };
    segments.iter().find_map(|segment| match segment {
        Segment::Any { name } => {
            let written = format!("{{{name}}}");
            let at = text.find(&written)?;
            text.get(at..at.saturating_add(written.len()))
        }
        Segment::Literal { .. } => None,
    })
}

/// The header by which a proxy tells what a variable holds.
fn set_by_proxy(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let has = |part: &str| name.contains(part);
    if has("remote_addr") || has("forwarded_for") || has("src") || has("client_ip") {
        Some("x-forwarded-for")
    } else if has("scheme") || has("protocol") {
        Some("x-forwarded-proto")
    } else if has("host") || has("authority") {
        Some("x-forwarded-host")
    } else if has("request_id") {
        Some("x-request-id")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_rules};

    #[test]
    fn variables_of_other_products_are_found() {
        check_rules(
            r#"
            - path: /a/{id}/**
              to: s
              rewrite: {path: /b/$1}  #~ warning[literal-variable]
              requestHeaders:
                set:
                  x-real-ip: $remote_addr  #~ warning[literal-variable]
                  x-host: "%REQ(host)%"  #~ warning[literal-variable]
                  x-src: "%[src]"  #~ warning[literal-variable]
                  x-id: "{id}"  #~ warning[literal-variable]
                  x-price: $50
                  x-share: 50% of 100%
                  x-other: "{name}"
              responseHeaders:
                add:
                  x-trace: "id=$trace_id"  #~ warning[literal-variable]
            - {path: /c/**, redirect: {path: /d/$uri}}  #~ warning[literal-variable]
            - {path: /d/**, to: s}
            - {path: /e/**, rewrite: {path: /f/**}, to: s}
            "#,
        );
    }

    #[test]
    fn variables_of_a_shell_are_found_everywhere() {
        check(
            r#"
            certificates:
              web: {chain: "${CERTS}/web.pem", key: web.key}  #~ warning[literal-variable]
            routes:
              r:
                on: public/web
                host: "*"
                rules:
                  - {path: /a, requestHeaders: {set: {x-a: "${A}"}}, to: s}  #~ warning[literal-variable]
                  - {path: /b, respond: {status: 200, body: "${not(a)}"}}
                  - {path: /c, respond: {status: 200, body: "`${a}`"}}
            "#,
        );
    }
}
