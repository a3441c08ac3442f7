//! What the proxy repeats of a rule or a call: the questions of `weft_snapshot::repeat`, asked of what a spec says.

use weft_snapshot::repeat::{RetryCondition, Seen, is_idempotent};
use weft_spec::policy::RetryOn;
use weft_spec::service::ServiceProtocol;

use super::Service;
use super::effective::Retries;

/// What a reason to try again names.
pub fn condition(reason: RetryOn) -> RetryCondition {
    match reason {
        RetryOn::ConnectFailure => RetryCondition::ConnectFailure,
        RetryOn::RefusedStream => RetryCondition::RefusedStream,
        RetryOn::Reset => RetryCondition::Reset,
        RetryOn::BackendTimeout => RetryCondition::BackendTimeout,
        RetryOn::ServerError => RetryCondition::ServerError,
        RetryOn::Status(status) => RetryCondition::Status(status),
    }
}

/// Whether it names the failure of a callee that may have worked on the request.
pub fn may_have_been_seen(reason: RetryOn) -> bool {
    condition(reason).seen() == Seen::Perhaps
}

/// Whether some request with one of these methods (none means all) is repeated after the service may have seen it. All
/// of gRPC is `POST`.
pub fn repeats(service: &Service, methods: &[&str], retries: &Retries) -> bool {
    let of_service = match service.protocol.value {
        ServiceProtocol::Grpc => false,
        ServiceProtocol::Http | ServiceProtocol::Http2 => {
            methods.is_empty() || methods.iter().any(|method| is_idempotent(method))
        }
    };
    retries.idempotent.value || of_service
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_have_the_names_of_the_language() {
        for reason in [
            RetryOn::ConnectFailure,
            RetryOn::RefusedStream,
            RetryOn::Reset,
            RetryOn::BackendTimeout,
            RetryOn::ServerError,
            RetryOn::Status(429),
        ] {
            assert_eq!(condition(reason).to_string(), reason.to_string());
        }
    }
}
