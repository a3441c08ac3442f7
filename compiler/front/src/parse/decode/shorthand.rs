//! A value where a mapping or a list of another shape is wanted: `timeout: 2s` for `timeout: {request: 2s}`.
//!
//! Other products write in one text what is a mapping here, and who is in a hurry writes a list of names for a mapping from names. The field
//! tells what was meant. Where nothing can be told, an example says how the field is written. Nothing here is accepted.

use weft_spec::units::{Duration, Nearly};

use super::State;
use super::place::Place;
use crate::parse::yaml::{Kind, NodeId};

/// What was probably meant by the value of a field, or how the field is written.
pub(super) fn meant(state: &State<'_, '_>, place: Place, expected: &str) -> Option<Nearly> {
    let field = place
        .key
        .and_then(|key| state.tree.text(key))
        .unwrap_or_default();
    let fields = Some(expected).filter(|expected| expected.starts_with("a mapping with "));
    let fields = fields.unwrap_or_default();
    if is_field(field, fields) {
        return advice(format!(
            "`{field}` is a field of a definition, and its name is missing or it stands too far left: indent it as the fields of its definition"
        ));
    }
    match state.tree.kind(place.id) {
        Kind::Scalar { text, .. } => scalar(field, (text, expected), fields),
        Kind::Sequence => list(state, field, (place.id, expected)),
        Kind::Mapping => mapping(state, field, (place.id, expected)),
    }
}

/// How the field is written, where nothing better is known.
pub(super) fn example(state: &State<'_, '_>, place: Place, expected: &str) -> Option<Nearly> {
    let field = place
        .key
        .and_then(|key| state.tree.text(key))
        .unwrap_or_default();
    let told = written(field, expected)?;
    Some(Nearly::Advice(format!("write it so: `{told}`")))
}

/// Whether the name of a definition is that of a field of such a definition.
fn is_field(name: &str, fields: &str) -> bool {
    2 < name.len() && fields.contains("`protocol`") && fields.contains(&format!("`{name}`"))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "an arm among others that may have none"
)]
fn write(text: impl Into<String>) -> Option<Nearly> {
    Some(Nearly::Write(text.into()))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "an arm among others that may have none"
)]
fn advice(text: impl Into<String>) -> Option<Nearly> {
    Some(Nearly::Advice(text.into()))
}

/// A text, number or word.
fn scalar(field: &str, (text, expected): (&str, &str), fields: &str) -> Option<Nearly> {
    let is_off = matches!(
        text.to_ascii_lowercase().as_str(),
        "off" | "false" | "none" | "no" | "0"
    );
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_time = text.parse::<Duration>().is_ok();
    match field {
        "timeout" if !fields.is_empty() && is_time => write(format!("{{request: {text}}}")),
        "timeout" if !fields.is_empty() && is_off => advice(
            "write `{request: 0s}` for no limit, or leave it out for what is built in or said above",
        ),
        "retry" if !fields.is_empty() && is_off => {
            advice("write `{attempts: 1}` for one try alone")
        }
        "retry" if is_number => advice(format!(
            "write `{{attempts: {text}}}`; `attempts` counts the first try too"
        )),
        "backoff" if is_time => advice(format!(
            "write `{{base: {text}, max: …}}` with the longest wait"
        )),
        "rewrite" | "redirect" if text.starts_with('/') => {
            write(format!("{{path: {}}}", quoted(text)))
        }
        "rewrite" if !text.is_empty() => write(format!("{{host: {text}}}")),
        "redirect" => url(text),
        "respond" if is_number => write(format!("{{status: {text}}}")),
        "respond" if !text.is_empty() => write(format!(
            "{{status: 200, body: \"{}\"}}",
            text.replace('"', "\\\"")
        )),
        "limits" if text.ends_with('B') => write(format!("{{head: {text}}}")),
        "at" | "for" if expected.starts_with("a place") => advice(format!(
            "write what it is: `{{service: {text}}}`, `{{route: {text}}}`, `{{gateway: {text}}}` or `{{host: {text}}}`"
        )),
        "calls" if expected.starts_with("a mapping") && !text.is_empty() => {
            write(format!("{{{text}: {{}}}}"))
        }
        "query" | "headers" if text.contains('=') => {
            let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
            let pairs: Vec<String> = pairs
                .map(|(name, value)| format!("{name}: \"{value}\""))
                .collect();
            write(format!("{{{}}}", pairs.join(", ")))
        }
        _ => single(field, (text, expected)),
    }
}

/// What other products call no limit.
const ENDLESS: [&str; 6] = [
    "-1",
    "inf",
    "infinite",
    "infinity",
    "unbounded",
    "unlimited",
];

/// A text, number or word where a mapping is not what is wanted, or of which no field is told.
fn single(field: &str, (text, expected): (&str, &str)) -> Option<Nearly> {
    let lower = text.to_ascii_lowercase();
    let is_off = matches!(lower.as_str(), "off" | "false" | "none" | "no" | "0");
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match field {
        "sidecar" if is_off => advice(
            "a service without a sidecar has neither `app` nor `sidecar`, and says `mtls: disabled`",
        ),
        "tls" if is_off => advice("leave it out"),
        "methods" if matches!(text.to_ascii_uppercase().as_str(), "*" | "ALL" | "ANY") => {
            advice("leave `methods` out for all of them")
        }
        "upgrade" if text == "true" => write("[websocket]"),
        "trailers" if text == "true" => write("pass"),
        "endpoints" if expected.starts_with("a list of addresses") && text.contains(':') => {
            write(format!("[\"{text}\"]"))
        }
        "verify" if text == "true" => {
            advice("write the name that its certificate must carry, such as `orders.example`")
        }
        "inbound" if is_number => write(format!("0.0.0.0:{text}")),
        "app" | "outbound" if is_number => write(format!("127.0.0.1:{text}")),
        _ if expected.starts_with("an address with a port") && is_number => advice(format!(
            "write the address in front of the port: `10.0.1.5:{text}`"
        )),
        "maxInFlight" if is_off || ENDLESS.contains(&lower.as_str()) => {
            advice("leave it out for no limit")
        }
        "budget" if is_number => advice(format!("write `{text}%`, or `off` for no bound")),
        "keepAlive" if is_number => advice(format!("write its unit: `{text}s`, or `off`")),
        "keepAlive" => advice("write how long, such as `60s`, or `off`"),
        "budget" => advice("write a share such as `20%`, or `off` for no bound"),
        _ => None,
    }
}

/// A text in quotes where braces would mean something else.
fn quoted(text: &str) -> String {
    if text.contains(['{', '[', ',', '#', ':']) {
        format!("\"{text}\"")
    } else {
        text.to_owned()
    }
}

/// A URL by its parts.
fn url(text: &str) -> Option<Nearly> {
    let (scheme, rest) = text
        .split_once("://")
        .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
    let (authority, path) = rest
        .find('/')
        .and_then(|at| rest.split_at_checked(at))
        .unwrap_or((rest, ""));
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let mut parts = vec![format!("scheme: {scheme}")];
    if !host.is_empty() {
        parts.push(format!("host: {host}"));
    }
    if !port.is_empty() {
        parts.push(format!("port: {port}"));
    }
    if 1 < path.len() {
        parts.push(format!("path: {}", quoted(path)));
    }
    write(format!("{{{}}}", parts.join(", ")))
}

/// A list.
fn list(state: &State<'_, '_>, field: &str, (id, expected): (NodeId, &str)) -> Option<Nearly> {
    let entries: Vec<NodeId> = state.tree.children(id).collect();
    let texts: Vec<&str> = entries
        .iter()
        .filter_map(|one| state.tree.text(*one))
        .collect();
    let are_texts = texts.len() == entries.len() && !texts.is_empty();
    let each = |value: &str| {
        let entries: Vec<String> = texts
            .iter()
            .map(|text| format!("{text}: {value}"))
            .collect();
        format!("{{{}}}", entries.join(", "))
    };
    match field {
        "path" if are_texts => {
            let paths = texts.iter().map(|path| path.trim_end_matches("/**"));
            let paths: Vec<&str> = paths.collect();
            advice(format!(
                "write a rule for each path, or `{{regex: \"{}\"}}`",
                paths.join("|")
            ))
        }
        "host" if are_texts => advice("call the field `hosts`"),
        "port" => advice("write a listener for each port"),
        "listener" | "on" => advice("write a route for each listener"),
        "calls" | "routingKeys" if are_texts && field == "calls" => write(each("{}")),
        "routingKeys" if are_texts => write(each("[]")),
        "headers" | "query" if are_texts => write(each("{present: true}")),
        "versions" if are_texts => advice(format!(
            "write `{}`",
            each("{endpoints: [\"10.0.1.6:15443\"]}")
        )),
        "set" | "add" if are_texts => {
            advice(format!("write each name with its value: `{}`", each("…")))
        }
        _ if expected.starts_with("a text, or one of") && are_texts => advice(format!(
            "write one value, or `{{regex: \"{}\"}}` for any of them",
            texts.join("|")
        )),
        "headers" | "query" | "set" | "add" => {
            advice("write each as `name: value`, without a list: `{x-beta: \"1\"}`")
        }
        "services" | "gateways" | "listeners" | "routes" | "certificates" => advice(
            "write each by its name, `name: …`, without `- `; the name stands in front of the `:`",
        ),
        _ => None,
    }
}

/// A mapping.
fn mapping(state: &State<'_, '_>, field: &str, (id, expected): (NodeId, &str)) -> Option<Nearly> {
    let of = |name: &str| {
        let mut entries = state.tree.entries(id);
        let found = entries.find(|(key, _)| state.tree.text(*key) == Some(name));
        found.and_then(|(_, value)| state.tree.text(value))
    };
    if expected.starts_with("an address with a port") {
        let address = of("address").or_else(|| of("ip")).or_else(|| of("host"));
        return advice(match (address, of("port")) {
            (Some(address), Some(port)) => format!("write `\"{address}:{port}\"`"),
            _ => "write the address and the port as one text: `\"10.0.1.5:15443\"`".to_owned(),
        });
    }
    if expected == "a list" && state.tree.written(id).starts_with('{') {
        let written = state.tree.written(id);
        if matches!(
            field,
            "remove" | "methods" | "from" | "hosts" | "on" | "operations"
        ) {
            let keys: Vec<&str> = state
                .tree
                .entries(id)
                .filter_map(|(key, _)| state.tree.text(key))
                .collect();
            return advice(format!("write a list of names: `[{}]`", keys.join(", ")));
        }
        return (!written.contains('\n')).then(|| Nearly::Write(format!("[{written}]")));
    }
    match (field, of("method"), of("url")) {
        ("request", Some(method), Some(url)) => write(format!("{method} {url}")),
        ("request", ..) => advice("write it as one text: `GET https://api.example/orders/7`"),
        ("body", ..) => advice("put the text in single quotes: `'{\"a\": 1}'`"),
        _ => None,
    }
}

fn written(field: &str, fields: &str) -> Option<&'static str> {
    Some(match field {
        "timeout" => "timeout: {request: 2s}",
        "retry" => "retry: {attempts: 3, on: [503]}",
        "backoff" => "backoff: {base: 25ms, max: 250ms}",
        "rewrite" => "rewrite: {path: /new/**}",
        "redirect" => "redirect: {scheme: https}",
        "respond" => "respond: {status: 404}",
        "requestHeaders" | "responseHeaders" => "{set: {x-a: b}, remove: [x-c]}",
        "limits" => "limits: {head: 32KiB}",
        "tls" if fields.contains("`verify`") => {
            "tls: {verify: orders.example, roots: /etc/weft/roots.pem}"
        }
        "tls" => "tls: {certificate: public-web}",
        "sidecar" => "sidecar: {inbound: 0.0.0.0:15443}",
        "defaults" => "defaults: {timeout: {request: 15s}}",
        "calls" => "calls: {payments: {}}",
        "headers" => "headers: {x-beta: \"1\"}",
        "query" => "query: {page: {regex: \"[0-9]+\"}}",
        "expect" => "expect: {backend: orders}",
        "mesh" => "mesh: {name: shop, trustDomain: shop.example}",
        "host" => "host: api.shop.example",
        "path" => "path: /orders/**",
        _ if fields.contains("`never`") => "assert: [{never: {from: internet, to: payments}}]",
        _ if fields.contains("`sameAs`") => {
            "tests: [{name: a, request: GET https://shop.example/, expect: {backend: web}}]"
        }
        _ if fields.contains("`bound`") => {
            "guardrails: [{bound: timeout.request, max: 10s, why: …}]"
        }
        _ if fields.contains("`from`") => {
            "{from: [gateway/public], methods: [GET], path: /orders/**}"
        }
        _ if fields.contains("`priority`") => "{path: /orders/**, methods: [GET], to: orders}",
        _ if fields.contains("`files`") => "{files: [payments/**], services: [payments]}",
        _ => return None,
    })
}
