//! The steps, each in its file, in the order in which they are shown.

mod compile;
mod corrupt;
mod path;
mod peers;
mod split;
mod timeout;

use super::report::Report;
use super::shop::Shop;
use crate::client::{self, Answer, Call, Protocol};

/// Shows everything.
pub(super) async fn all(shop: &mut Shop, report: &mut Report) -> anyhow::Result<()> {
    compile::shown(shop, report).await?;
    path::shown(shop, report).await?;
    peers::shown(shop, report).await?;
    timeout::shown(shop, report).await?;
    split::shown(shop, report).await?;
    compile::refusal_shown(shop, report).await?;
    corrupt::shown(shop, report).await
}

/// Asks the gateway as a client on the internet would.
async fn ask(shop: &Shop, call: &Call) -> anyhow::Result<Answer> {
    client::fetch(shop.gateway, &shop.edge()?, Protocol::Http1, call).await
}

/// An answer in a line.
fn line(answer: &Answer) -> String {
    let reason = answer.header("x-weft-reason");
    let reason = if reason.is_empty() {
        String::new()
    } else {
        format!(" ({reason})")
    };
    format!("{}{reason}: {}", answer.status, answer.text().trim())
}
