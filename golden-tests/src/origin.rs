//! A tiny origin behind everything that proxies reach.
//!
//! It describes the request that it got, one fact a line, and obeys headers: `x-origin-status`,
//! `x-origin-delay-ms`, `x-origin-fail-first` (how many requests of one `x-origin-key` get 503).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::HeaderValue;
use weft_examples::client::Protocol;
use weft_examples::service::{Received, Service, text};

use crate::stand::ORIGIN;

/// Starts an origin.
///
/// # Errors
///
/// When the address is taken.
pub(crate) async fn start(
    address: SocketAddr,
    name: String,
    protocol: Protocol,
) -> anyhow::Result<Service> {
    let failed: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
    Service::start(address, protocol, move |received| {
        let (name, failed) = (name.clone(), Arc::clone(&failed));
        async move { answer(&name, &received, &failed).await }
    })
    .await
}

async fn answer(
    name: &str,
    received: &Received,
    failed: &Mutex<BTreeMap<String, u32>>,
) -> Response<Full<Bytes>> {
    if let Ok(delay) = received.header("x-origin-delay-ms").parse() {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    let status = if is_to_fail(received, failed) {
        503
    } else {
        received.header("x-origin-status").parse().unwrap_or(200)
    };
    let mut facts = format!(
        "service: {name}\nmethod: {}\ntarget: {}\nbody: {}\n",
        received.method,
        received.target,
        String::from_utf8_lossy(&received.body)
    );
    for (header, value) in &received.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let _infallible = writeln!(facts, "header {header}: {value}");
    }
    let mut response = text(status, &facts);
    if let Ok(name) = HeaderValue::from_str(name) {
        response.headers_mut().insert(ORIGIN, name);
    }
    response
}

fn is_to_fail(received: &Received, failed: &Mutex<BTreeMap<String, u32>>) -> bool {
    let wanted = received
        .header("x-origin-fail-first")
        .parse()
        .unwrap_or(0_u32);
    let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
    let count = failed
        .entry(received.header("x-origin-key").to_owned())
        .or_default();
    let fails = *count < wanted;
    *count += u32::from(fails);
    fails
}
