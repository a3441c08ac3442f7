//! The life of a request. [`serve`] is the tour: a line per phase, a file per phase.
//!
//! | file | phase |
//! |---|---|
//! | `head` | framing, Host, target and header names |
//! | `target` | canonical host and path, the listener, the route |
//! | `authorize` | who may call what |
//! | `local` | redirects and fixed answers |
//! | `forwarding` | hop-by-hop headers go, `X-Forwarded-*` come |
//! | `filters` | what the route changes |
//! | `deadline` | how long, and how long the next hop may take |
//! | `address` | where the request goes, and the host that the upstream sees |
//! | `forward` | tries until there is a response |
//! | `response` | what an upstream may answer |
//! | `upgrade` | WebSocket |
//! | `answer` | what the proxy says itself |
//! | `gate` | a body that the client holds back |
//! | `incoming`, `request_body`, `body` | bytes in both directions |
//! | `rest` | what is left of a request body when its answer is complete |
//! | `meter` | what is counted and logged when it is over |
//!
//! WebSocket between two proxies takes an HTTP/1.1 connection of its own with ALPN `http/1.1`, authenticated
//! like every other; RFC 8441 is not spoken. One connection per tunnel costs a handshake and needs no
//! negotiation that one of the two sides could have missed.

use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response};
use weft_snapshot::Reason;
use weft_snapshot::view::ActionView;

mod address;
mod answer;
mod authorize;
mod body;
mod deadline;
mod filters;
mod forward;
mod forwarding;
mod gate;
mod head;
mod in_flight;
mod incoming;
mod local;
mod meter;
mod request_body;
mod response;
mod rest;
mod target;
mod unparsed;
mod upgrade;

pub(crate) use body::{Body, BodyError};
pub(crate) use gate::Gate;
pub(crate) use head::Room;
pub(crate) use incoming::Incoming;
pub(crate) use request_body::RequestBody;
pub(crate) use unparsed::{head_timeout, refused_by_parser};
pub(crate) use upgrade::tunnel;

use body::Content;
use meter::Meter;

use crate::shared::Shedding;
use crate::worker::{Link, StreamControl, View};

/// Answers one request with the snapshot that was current when its head was read, or the last one that had the
/// listener of its connection.
///
/// A snapshot that is published meanwhile is seen by the next request of the connection, never by this
/// one. Every error ends in [`answer::answer`].
///
/// `control` is that of the stream, where the request came over HTTP/2.
pub(crate) async fn serve(
    link: Rc<Link>,
    control: Option<Rc<StreamControl>>,
    request: Request<Incoming>,
) -> Response<Body> {
    let view = link.view();
    let mut meter = Meter::begin(&link, &view, control, &request);
    let answered = match exchange(&link, &view, &mut meter, request).await {
        Ok(response) => response,
        Err(reason) => answer::answer(&link, &mut meter, reason),
    };
    meter.attach(answered)
}

async fn exchange(
    link: &Rc<Link>,
    view: &Rc<View>,
    meter: &mut Meter,
    request: Request<Incoming>,
) -> Result<Response<Content>, Reason> {
    let (mut parts, body) = request.into_parts();
    // Until it is taken for forwarding, an answer leaves it unread.
    meter.unread = Some(body);
    if Shedding::Requests <= link.worker.shared.pressure.shedding() {
        link.worker.counters.requests_shed.add(1);
        return Err(Reason::OverloadedMemory);
    }
    let survey = head::check(&Room::of(link), &mut parts)?;
    meter.expects_continue = survey.expects_continue;
    // What comes after an upgrade that is not made cannot be told from another request.
    meter.closes |= survey.upgrades;
    let asked = target::resolve(link, view, meter, &survey, &parts)?;
    let heads = asked.listener.heads;
    meter.note_dropped(head::drop_underscores(heads, &survey, &mut parts.headers));
    authorize::authorize(link, view, &asked, &parts)?;
    let outcome = asked.route.outcome();
    match outcome.action() {
        ActionView::Redirect(redirect) => local::redirect(link, &asked, &parts, &redirect),
        ActionView::Respond(respond) => local::respond(meter, &outcome, &respond),
        ActionView::Forward(backends) => {
            meter.place = in_flight::enter(link, &asked)?;
            forwarding::prepare(link, &asked, &survey, &mut parts)?;
            let plan = forward::Plan {
                asked,
                outcome,
                backends,
                survey,
            };
            forward::forward(link, view, meter, plan, parts).await
        }
    }
}

/// A duration in whole milliseconds.
pub(crate) fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
