//! What a listener does with heads of requests: how it differs, how grave that is, and in words.

use weft_snapshot::settings::{HeadLimits, HeadRules, Tracing, Underscores};

/// Whether more of what clients send is believed.
pub(super) fn believes_more(was: HeadRules, is: HeadRules) -> bool {
    let begins_to_keep = was.tracing != Tracing::Keep && is.tracing == Tracing::Keep;
    begins_to_keep || rank(was.underscores) < rank(is.underscores) && 1 < rank(is.underscores)
}

/// Whether requests are refused that were not.
pub(super) fn refuses_more(was: HeadRules, is: HeadRules) -> bool {
    let HeadLimits {
        head_bytes,
        fields,
        target_bytes,
    } = is.limits;
    let is_less = head_bytes < was.limits.head_bytes
        || fields < was.limits.fields
        || target_bytes < was.limits.target_bytes;
    is_less || (was.underscores != Underscores::Refuse && is.underscores == Underscores::Refuse)
}

/// Whether requests arrive with other headers.
pub(super) fn changes(was: HeadRules, is: HeadRules) -> bool {
    (was.tracing, was.underscores) != (is.tracing, is.underscores)
}

/// How many of the names with an underscore arrive.
fn rank(underscores: Underscores) -> u8 {
    match underscores {
        Underscores::Refuse => 0,
        Underscores::Drop => 1,
        Underscores::DropUnlessGrpc => 2,
        Underscores::Keep => 3,
    }
}

/// `traces removed, underscores dropped but for gRPC`, and the limits where they are less than those of every proxy.
pub(super) fn words(heads: HeadRules) -> String {
    let HeadRules {
        tracing,
        underscores,
        limits,
    } = heads;
    let tracing = match tracing {
        Tracing::Keep => "kept",
        Tracing::Restart => "restarted",
        Tracing::Remove => "removed",
    };
    let underscores = match underscores {
        Underscores::Refuse => "refused",
        Underscores::Drop => "dropped",
        Underscores::DropUnlessGrpc => "dropped but for gRPC",
        Underscores::Keep => "kept",
    };
    let words = format!("traces {tracing}, underscores {underscores}");
    if limits == HeadLimits::MOST {
        return words;
    }
    let HeadLimits {
        head_bytes,
        fields,
        target_bytes,
    } = limits;
    format!("{words}, heads of {head_bytes} B, {fields} fields and targets of {target_bytes} B")
}
