//! What becomes of the head of a request before rules are asked, with the code of the proxy and in its order: first what no proxy
//! serves, then what this listener does not take.

use weft_front::question::Question;
use weft_snapshot::canonical::{Field, field};
use weft_snapshot::head::{self, Excess, Fate};
use weft_snapshot::settings::{HeadLimits, Listener, Tracing};
use weft_snapshot::{HeaderList, Reason};

use super::answer::RefusalAnswer;

/// Looks at what every proxy asks of a head, whichever listener gets it.
///
/// # Errors
///
/// Why no proxy serves the request.
pub(super) fn served(question: &Question, target: &str) -> Result<(), RefusalAnswer> {
    within(HeadLimits::MOST, "a proxy", question, target)?;
    head::admit_method(&question.method).map_err(|reason| {
        RefusalAnswer::new(reason, format!("no proxy forwards `{}`", question.method))
    })?;
    let unserved = question.headers.iter().find_map(|(name, value)| {
        let reason = head::unserved(name, value.as_bytes())?;
        let explanation = format!("no proxy serves a request with `{name}: {value}`");
        Some(RefusalAnswer::new(reason, explanation))
    });
    unserved.map_or(Ok(()), Err)
}

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
    let named = format!("listener `{}`", listener.name);
    within(listener.heads.limits, &named, question, target)?;
    let headers = joined(&question.headers);
    let mut types = headers.iter();
    let is_grpc =
        types.any(|(name, value)| name == "content-type" && head::is_grpc(value.as_bytes()));
    let (mut kept, mut told) = (Vec::new(), Vec::new());
    for (name, value) in &headers {
        match listener.heads.fate(name, is_grpc) {
            Fate::Kept => kept.push((name.clone(), value.clone())),
            Fate::Dropped => told.push(format!("{name} is dropped for its underscore")),
            Fate::Refused => {
                let explanation = format!("{named} refuses names such as `{name}`");
                let reason = Reason::UnderscoreInHeaderName;
                return Err(RefusalAnswer::new(reason, explanation));
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

/// Whether a head keeps to some limits, which `whose` has.
fn within(
    limits: HeadLimits,
    whose: &str,
    question: &Question,
    target: &str,
) -> Result<(), RefusalAnswer> {
    let host = "host".len() + question.authority.len();
    let headers = joined(&question.headers);
    let fields = headers.iter();
    let fields = fields.map(|(name, value)| name.len() + value.len());
    let Some(excess) = limits.excess(target.len(), fields.chain([host])) else {
        return Ok(());
    };
    let (what, most) = match excess {
        Excess::Target => ("bytes of a target", limits.target_bytes),
        Excess::Fields => ("fields", limits.fields),
        Excess::Head => ("bytes of a head", limits.head_bytes),
    };
    let explanation = format!("{whose} takes up to {most} {what}");
    Err(RefusalAnswer::new(excess.reason(), explanation))
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
