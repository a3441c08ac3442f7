//! Peers that the sidecar of `payments` does not serve: without TLS, without or with a foreign certificate, and
//! with a true identity that `allow` does not name.

use super::{Report, Shop, line};
use crate::client::{self, Call, Protocol, Security};
use crate::pki::Authority;

/// Tries to charge somebody in four wrong ways, then in the right one.
pub(super) async fn shown(shop: &mut Shop, report: &mut Report) -> anyhow::Result<()> {
    report.step("peers that prove nothing, or the wrong thing, are refused");
    report.did("POST /v1/charges straight to the sidecar of payments, as an intruder");
    let stranger = Authority::new("shop.example")?;
    let forged = stranger.identity("service/orders")?;
    let intruders = [
        ("plaintext: no answer", Security::Plaintext),
        (
            "TLS without a certificate: no answer",
            Security::peer(None, Protocol::Http1)?,
        ),
        (
            "service/orders, but of another authority: no answer",
            Security::peer(Some(&forged), Protocol::Http1)?,
        ),
    ];
    for (expected, security) in intruders {
        let seen = match charge(shop, &security).await {
            Ok(answer) => line(&answer),
            Err(error) => format!("no answer: {}", error.root_cause()),
        };
        report.check(expected, &seen, seen.starts_with("no answer"));
    }

    let web = shop.identity("service/web")?;
    let answer = charge(shop, &Security::peer(Some(&web), Protocol::Http1)?).await?;
    report.check(
        "service/web, truly: 403, only orders may charge",
        &line(&answer),
        answer.status == 403,
    );
    let orders = shop.identity("service/orders")?;
    let answer = charge(shop, &Security::peer(Some(&orders), Protocol::Http1)?).await?;
    report.check(
        "service/orders, truly: 201",
        &line(&answer),
        answer.status == 201,
    );
    Ok(())
}

async fn charge(shop: &Shop, security: &Security) -> anyhow::Result<client::Answer> {
    let call = Call::new("POST", "payments", "/v1/charges");
    client::fetch(shop.payments_inbound()?, security, Protocol::Http1, &call).await
}
