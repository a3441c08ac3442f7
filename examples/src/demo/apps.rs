//! The three services of the shop. They know nothing of Weft: they listen on loopback, and what they call is
//! plain HTTP to their own sidecar, with the name of the service as host.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use tokio::time;

use crate::client::{self, Answer, Call, Protocol, Security};
use crate::service::{Received, Service, text};

/// The header that says which instance answered.
pub(super) const SERVED_BY: &str = "x-served-by";
/// The header that makes `orders` slow, in milliseconds.
pub(super) const SLOW: &str = "x-slow-ms";

/// `web`: shows the first order, which it asks `orders` for.
pub(super) async fn web(app: SocketAddr, outbound: SocketAddr) -> anyhow::Result<Service> {
    Service::start(app, Protocol::Http1, move |received: Received| async move {
        if received.target != "/" {
            return text(404, "no such page\n");
        }
        match ask(outbound, Call::new("GET", "orders", "/orders/1")).await {
            Ok(order) => signed(200, &format!("your order: {}", order.text()), "web"),
            Err(error) => text(500, &format!("orders did not answer: {error:#}\n")),
        }
    })
    .await
}

/// `orders`: has orders, and lets `payments` charge for new ones.
pub(super) async fn orders(
    app: SocketAddr,
    outbound: SocketAddr,
    instance: &'static str,
) -> anyhow::Result<Service> {
    Service::start(app, Protocol::Http1, move |received: Received| async move {
        if let Ok(millis) = received.header(SLOW).parse() {
            time::sleep(Duration::from_millis(millis)).await;
        }
        match received.method.as_str() {
            "GET" => signed(
                200,
                &format!("{} from {instance}\n", received.target),
                instance,
            ),
            _ => match ask(outbound, Call::new("POST", "payments", "/v1/charges")).await {
                Ok(paid) => signed(paid.status, &paid.text(), instance),
                Err(error) => text(500, &format!("payments did not answer: {error:#}\n")),
            },
        }
    })
    .await
}

/// `payments`: charges.
pub(super) async fn payments(app: SocketAddr) -> anyhow::Result<Service> {
    Service::start(app, Protocol::Http1, |_received: Received| async {
        signed(201, "charged\n", "payments")
    })
    .await
}

async fn ask(sidecar: SocketAddr, call: Call) -> anyhow::Result<Answer> {
    client::fetch(sidecar, &Security::Plaintext, Protocol::Http1, &call).await
}

fn signed(status: u16, body: &str, instance: &'static str) -> Response<Full<Bytes>> {
    let mut response = text(status, body);
    response
        .headers_mut()
        .insert(SERVED_BY, hyper::header::HeaderValue::from_static(instance));
    response
}
