//! What `weft explain` says about a reason of an answer, by the table of `weft_snapshot::reason`.

use weft_snapshot::Reason;

use super::{indented, with_first};

/// All there is to say about a reason.
pub(super) fn explain(reason: Reason) -> String {
    let again = match reason.repeated() {
        Some(condition) => format!("`retry.on: [{condition}]` asks for another try"),
        None => "no policy of retries asks for another try".to_owned(),
    };
    format!(
        "reason[{reason}]\n\n{}: {}.\n\nAnswer:\n\n{}\nSent by:\n\n{}\nTried again:\n\n{}\nLook at:\n\n{}",
        reason.group().title(),
        reason.meaning(),
        indented(&answer(reason)),
        indented(reason.sender().words()),
        indented(&again),
        indented(reason.look()),
    )
}

/// One line about a reason, with its status in the column of levels.
pub(super) fn line(reason: Reason) -> (String, String) {
    let status = match reason.status() {
        0 => "-".to_owned(),
        status => status.to_string(),
    };
    let group = with_first(reason.group().title(), |first| first.to_ascii_lowercase());
    (status, format!("{group}: {}", reason.meaning()))
}

fn answer(reason: Reason) -> String {
    let grpc = reason.grpc_status();
    let after = if reason.closes() {
        "the connection closes"
    } else {
        "the connection stays open"
    };
    match reason.status() {
        0 => "none; the connection closes".to_owned(),
        status => format!(
            "{status}, to a gRPC call {} {}; {after}",
            grpc.number(),
            grpc.name()
        ),
    }
}
