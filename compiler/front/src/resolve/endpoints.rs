//! Endpoints: what is written of them becomes addresses, a name with a port, or a file.

use std::net::SocketAddr;

use weft_snapshot::limits;
use weft_spec::{Span, Spanned, service};

use super::codes::BAD_ENDPOINTS;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::endpoints::{DnsEndpoint, Endpoints};

/// Reads endpoints; what is wrong is said and stands for none.
pub(super) fn resolve(
    written: &Spanned<service::Endpoints>,
    diagnostics: &mut Diagnostics,
) -> Spanned<Endpoints> {
    let read = match &written.value {
        service::Endpoints::Static(addresses) => {
            list(addresses, written.span, diagnostics);
            Some(Endpoints::Static(addresses.clone()))
        }
        service::Endpoints::Dns(name) => dns(name, diagnostics),
        service::Endpoints::File(path) => file(path, diagnostics),
    };
    let endpoints = read.unwrap_or(Endpoints::Static(Vec::new()));
    Spanned::new(endpoints, written.span)
}

fn list(addresses: &[Spanned<SocketAddr>], span: Span, diagnostics: &mut Diagnostics) {
    if addresses.is_empty() {
        diagnostics.push(
            Diagnostic::new(&BAD_ENDPOINTS, span, "the list of endpoints is empty")
                .help("add an address, or leave `endpoints` out if nobody calls the service"),
        );
    }
    if limits::ENDPOINTS < addresses.len() {
        let (count, most) = (addresses.len(), limits::ENDPOINTS);
        let message = format!("{count} endpoints are more than a list may have, {most}");
        diagnostics.push(
            Diagnostic::new(&BAD_ENDPOINTS, span, message).help("use `{file: …}` or `{dns: …}`"),
        );
    }
}

fn dns(name: &Spanned<String>, diagnostics: &mut Diagnostics) -> Option<Endpoints> {
    let Some(read) = DnsEndpoint::parse(&name.value) else {
        let message = format!(
            "`{}` is not a DNS name with a port",
            name.value.escape_debug()
        );
        diagnostics.push(
            Diagnostic::new(&BAD_ENDPOINTS, name.span, message)
                .help("write `name:port`, as `orders.internal:15443`"),
        );
        return None;
    };
    Some(Endpoints::Dns(Spanned::new(read, name.span)))
}

fn file(path: &Spanned<String>, diagnostics: &mut Diagnostics) -> Option<Endpoints> {
    if path.value.is_empty() || path.value.contains('\0') {
        let message = "the file of endpoints has no name";
        diagnostics.push(
            Diagnostic::new(&BAD_ENDPOINTS, path.span, message)
                .help("write the path at which the proxy finds it"),
        );
        return None;
    }
    Some(Endpoints::File(path.clone()))
}
