//! What a listener does with the head of a request before rules are asked, with the code of the proxy.

use weft_snapshot::HeaderList;
use weft_snapshot::canonical::{Field, field};
use weft_snapshot::head::{self, Excess, Fate};
use weft_snapshot::settings::{Listener, Tracing};

use super::answer::RefusalAnswer;
use super::question::Question;

/// The headers that rules see, and those that do not arrive as they came, in words.
///
/// # Errors
///
/// Why the listener refuses the request. Only the headers that are asked about count, and `Host`; clients send some more.
pub(super) fn of(
    listener: &Listener,
    question: &Question,
    target: &str,
) -> Result<(HeaderList, Vec<String>), RefusalAnswer> {
    let host = "host".len() + question.authority.len();
    let headers = joined(&question.headers);
    let fields = headers.iter();
    let fields = fields.map(|(name, value)| name.len() + value.len());
    let limits = listener.heads.limits;
    if let Some(excess) = limits.excess(target.len(), fields.chain([host])) {
        let (what, most) = match excess {
            Excess::Target => ("bytes of a target", limits.target_bytes),
            Excess::Fields => ("fields", limits.fields),
            Excess::Head => ("bytes of a head", limits.head_bytes),
        };
        return Err(RefusalAnswer {
            status: excess.status(),
            reason: excess.reason().to_owned(),
            explanation: format!("listener `{}` takes up to {most} {what}", listener.name),
        });
    }
    if !head::is_forwarded(&question.method) {
        return Err(RefusalAnswer {
            status: 405,
            reason: head::METHOD_REFUSED.to_owned(),
            explanation: format!("no proxy forwards `{}`", question.method),
        });
    }
    if let Some(refusal) = unserved(&headers) {
        return Err(refusal);
    }
    let mut types = headers.iter();
    let is_grpc =
        types.any(|(name, value)| name == "content-type" && head::is_grpc(value.as_bytes()));
    let (mut kept, mut told) = (Vec::new(), Vec::new());
    for (name, value) in &headers {
        match listener.heads.fate(name, is_grpc) {
            Fate::Kept => kept.push((name.clone(), value.clone())),
            Fate::Dropped => told.push(format!("{name} is dropped for its underscore")),
            Fate::Refused => {
                return Err(RefusalAnswer {
                    status: 400,
                    reason: head::UNDERSCORE.to_owned(),
                    explanation: format!(
                        "listener `{}` refuses names such as `{name}`",
                        listener.name
                    ),
                });
            }
        }
        if head::is_trace_name(name) {
            match listener.heads.tracing {
                Tracing::Keep => {}
                Tracing::Restart => told.push(format!("{name} is removed, and a new trace begins")),
                Tracing::Remove => told.push(format!("{name} is removed")),
            }
        }
    }
    Ok((HeaderList(kept), told))
}

/// Why no proxy serves a request with these headers, if one of them says so.
fn unserved(headers: &[(String, String)]) -> Option<RefusalAnswer> {
    headers.iter().find_map(|(name, value)| {
        let unserved = head::unserved(name, value.as_bytes())?;
        Some(RefusalAnswer {
            status: unserved.status(),
            reason: unserved.reason().to_owned(),
            explanation: format!("no proxy serves a request with `{name}: {value}`"),
        })
    })
}

/// The headers with the crumbs of a cookie put together, where the first of them stands.
fn joined(headers: &[(String, String)]) -> Vec<(String, String)> {
    let crumbs = headers.iter().filter(|(name, _)| name == "cookie");
    let cookie = field("cookie", crumbs.map(|(_, value)| value.as_bytes()));
    let mut cookie = match cookie {
        Field::Value(cookie) => Some(String::from_utf8_lossy(&cookie).into_owned()),
        Field::Absent | Field::Repeated => None,
    };
    let each = headers.iter().filter_map(|(name, value)| {
        let value = match name.as_str() {
            "cookie" => cookie.take()?,
            _ => value.clone(),
        };
        Some((name.clone(), value))
    });
    each.collect()
}
