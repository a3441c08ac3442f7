//! Answers that a route gives itself: redirects and fixed responses.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use http::request::Parts;
use http::{Response, StatusCode};
use weft_snapshot::Reason;
use weft_snapshot::view::{OutcomeView, Redirect, Respond};

use super::body::Content;
use super::meter::Meter;
use super::target::Asked;
use super::{filters, forwarding};
use crate::worker::Link;

/// Redirects. What the route does not name is that of the request.
pub(super) fn redirect(
    link: &Link,
    asked: &Asked<'_>,
    parts: &Parts,
    redirect: &Redirect<'_>,
) -> Result<Response<Content>, Reason> {
    let own_scheme = forwarding::client_scheme(link, asked, &parts.headers);
    let (own_host, own_port) = forwarding::client_host(asked, &parts.headers)
        .unwrap_or_else(|| (asked.host().to_owned(), asked.named_port.clone()));
    let port = match (redirect.port, redirect.scheme) {
        (Some(port), _) => {
            let scheme = redirect.scheme.unwrap_or(own_scheme);
            let is_usual = matches!((scheme, port), ("http", 80) | ("https", 443));
            if is_usual {
                String::new()
            } else {
                format!(":{port}")
            }
        }
        (None, Some(_)) => String::new(),
        (None, None) => own_port,
    };
    let path = match &redirect.path {
        Some(rewrite) => rewrite.apply(asked.path(parts)),
        None => asked.path(parts).to_owned(),
    };
    let query = parts
        .uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let host = redirect.host.unwrap_or(&own_host);
    let location = if host.is_empty() {
        relative(&path, &query)
    } else {
        let scheme = redirect.scheme.unwrap_or(own_scheme);
        format!("{scheme}://{host}{port}{path}{query}")
    };
    let mut response = Response::new(Content::Empty);
    *response.status_mut() = status(redirect.status)?;
    let location = HeaderValue::try_from(location).map_err(|_not_a_value| Reason::BadRewrite)?;
    response.headers_mut().insert(LOCATION, location);
    filters::change(
        response.headers_mut(),
        &asked.route.outcome().policy().response_headers,
    );
    Ok(response)
}

/// Where a request goes that names no host. A path that begins with two slashes would name one (RFC 3986, 4.2), so a dot
/// segment goes before it.
fn relative(path: &str, query: &str) -> String {
    let before = if path.starts_with("//") { "/." } else { "" };
    format!("{before}{path}{query}")
}

/// Answers with a fixed response.
pub(super) fn respond(
    meter: &Meter,
    outcome: &OutcomeView<'_>,
    respond: &Respond<'_>,
) -> Result<Response<Content>, Reason> {
    let body = Bytes::copy_from_slice(respond.body.as_bytes());
    let mut response = Response::new(Content::Empty);
    *response.status_mut() = status(respond.status)?;
    let has_no_body = matches!(respond.status, 204 | 304);
    if !respond.content_type.is_empty() && !has_no_body {
        let value = HeaderValue::from_str(respond.content_type)
            .map_err(|_not_a_value| Reason::BadRewrite)?;
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    if !has_no_body {
        if meter.is_head() {
            response
                .headers_mut()
                .insert(CONTENT_LENGTH, body.len().into());
        } else {
            *response.body_mut() = Content::Whole(body);
        }
    }
    filters::change(response.headers_mut(), &outcome.policy().response_headers);
    Ok(response)
}

fn status(status: u16) -> Result<StatusCode, Reason> {
    StatusCode::from_u16(status).map_err(|_not_a_status| Reason::BadRewrite)
}
