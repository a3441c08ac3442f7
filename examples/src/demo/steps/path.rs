//! A request on its way: client → gateway → sidecar → service, with mTLS between the proxies.

use super::{Report, Shop, ask, line};
use crate::client::Call;
use crate::proxy::text_at;

/// Asks, and looks into the access log of the sidecar.
pub(super) async fn shown(shop: &mut Shop, report: &mut Report) -> anyhow::Result<()> {
    report.step("a request through gateway, sidecars and services, over mTLS");
    report.did("GET https://api.shop.example/orders/7");
    let answer = ask(shop, &Call::new("GET", "api.shop.example", "/orders/7")).await?;
    report.check("200 from orders", &line(&answer), answer.status == 200);

    let seen = shop
        .proxy("service/orders")?
        .access_line(|line| {
            text_at(line, "/path") == "/orders/7" && text_at(line, "/listener") == "inbound"
        })
        .await?;
    let identity = text_at(&seen, "/peer_identity");
    report.check(
        "the sidecar of orders verified who asked",
        identity,
        identity == "spiffe://shop.example/gateway/public",
    );
    let seen = shop
        .proxy("gateway/public")?
        .access_line(|line| text_at(line, "/path") == "/orders/7")
        .await?;
    let place = text_at(&seen, "/spec");
    report.check(
        "the access log of the gateway names the line of the spec that decided",
        &format!("route {} at {place}", text_at(&seen, "/route")),
        place.contains("storefront/orders.yaml:"),
    );

    report.did("GET https://shop.example/ (web asks orders through both their sidecars)");
    let answer = ask(shop, &Call::new("GET", "shop.example", "/")).await?;
    report.check("200 from web, with an order", &line(&answer), {
        answer.status == 200 && answer.text().contains("/orders/1 from orders v1")
    });
    report.did("POST https://api.shop.example/orders (orders asks payments)");
    let answer = ask(shop, &Call::new("POST", "api.shop.example", "/orders")).await?;
    report.check("201 from payments", &line(&answer), {
        answer.status == 201 && answer.text().contains("charged")
    });
    Ok(())
}
