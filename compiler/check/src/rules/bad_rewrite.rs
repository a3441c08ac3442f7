//! Finds new hosts that are none, and rewrites of what is not forwarded; new paths are read when names are resolved.

use weft_front::diagnostic::{Diagnostic, Diagnostics};
use weft_front::model::service::ServiceHost;
use weft_front::model::{Action, Service};
use weft_front::resolve::BAD_REWRITE;
use weft_snapshot::canonical;
use weft_spec::Spanned;

use super::facts::Facts;

/// Reports every such rewrite.
pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mesh = facts.mesh;
    for service in mesh.services.values() {
        seen_host(service, diagnostics);
    }
    for rule in mesh.routes.values().flat_map(|route| &route.rules) {
        if let Some(written) = &rule.rewrite {
            if rule.backends().is_empty() {
                let message = format!("rule `{}` rewrites what it does not forward", rule.id);
                diagnostics.push(
                    Diagnostic::new(&BAD_REWRITE, first_line(written.span), message)
                        .help("remove `rewrite`, or put the new path into `redirect`"),
                );
                continue;
            }
            host(written.host.as_ref(), diagnostics);
        }
        if let Action::Redirect(redirect) = &rule.action {
            host(redirect.host.as_ref(), diagnostics);
        }
    }
}

fn first_line(span: weft_spec::Span) -> weft_spec::Span {
    weft_spec::Span::new(
        span.file,
        span.start,
        span.start.saturating_add(1).min(span.end),
    )
}

fn host(new: Option<&Spanned<String>>, diagnostics: &mut Diagnostics) {
    let Some(new) = new else {
        return;
    };
    let is_canonical = canonical::host(&new.value).is_ok_and(|host| host == new.value);
    if !is_canonical {
        let message = format!("`{}` is not a host", new.value.escape_debug());
        diagnostics
            .push(Diagnostic::new(&BAD_REWRITE, new.span, message).help(plainer(&new.value)));
    }
}

/// What to write in place of a host with more in it.
fn plainer(host: &str) -> String {
    let lower = host.trim().to_lowercase();
    let bare = lower
        .split_once("://")
        .map_or(lower.as_str(), |(_, rest)| rest);
    let bare = bare.split('/').next().unwrap_or_default();
    match bare.split_once(':') {
        Some((bare, port)) if canonical::host(bare).is_ok() => {
            format!(
                "write `{bare}`; a redirect has `port: {port}` beside it, and a rewrite has none"
            )
        }
        None if bare != host && canonical::host(bare).is_ok_and(|host| host == bare) => {
            format!("write `{bare}`")
        }
        Some(_) | None => "write a host in lower case, without a port".to_owned(),
    }
}

/// The host that a service sees may name a port, as that of a server at an unusual port does (RFC 9110 section 7.2).
fn seen_host(service: &Service, diagnostics: &mut Diagnostics) {
    let Some(Spanned {
        value: ServiceHost::Name(name),
        span,
    }) = &service.host
    else {
        return;
    };
    let host = match name.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok_and(|port| port != 0) => host,
        Some(_) | None => name,
    };
    if !canonical::host(host).is_ok_and(|canonical| canonical == host) {
        let message = format!("`{}` is not a host", name.escape_debug());
        diagnostics.push(
            Diagnostic::new(&BAD_REWRITE, *span, message)
                .help("write a host in lower case, perhaps with a port, or `keep`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_rules};

    #[test]
    fn new_paths_are_made_of_old_parts() {
        check_rules(
            r#"
            - {path: "/a/{x}/**", rewrite: {path: "/{x}/{x}/**"}, to: s}
            - {path: /b, rewrite: {path: /c/**}, to: s}  #~ error[bad-rewrite]
            - {path: /c, redirect: {path: "/{x}"}}  #~ error[bad-rewrite]
            - {path: /d, rewrite: {host: "A b"}, to: s}  #~ error[bad-rewrite]
            - {path: /e, rewrite: {path: /f}, respond: {status: 200}}  #~ error[bad-rewrite]
            "#,
        );
    }

    #[test]
    fn a_service_sees_a_host() {
        check(
            r#"
            services:
              a: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], host: "a.example:8443"}
              b: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], host: keep}
              c: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], host: A.example}  #~ error[bad-rewrite]
              d: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], host: "https://a.example"}  #~ error[bad-rewrite]
              e: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"], host: "*.example"}  #~ error[bad-rewrite]
            "#,
        );
    }
}
