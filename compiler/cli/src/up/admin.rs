//! Questions to the admin endpoint of a proxy.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// From the connection to the last byte.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most bytes of an answer: a few lines of JSON.
const MOST: u64 = 1 << 20;

/// Asks for a page; its status and body.
///
/// # Errors
///
/// When nobody answers, or not in HTTP.
pub(super) async fn get(admin: SocketAddr, page: &str) -> anyhow::Result<(u16, Vec<u8>)> {
    timeout(PATIENCE, ask(admin, page))
        .await
        .context("no answer in time")?
}

async fn ask(admin: SocketAddr, page: &str) -> anyhow::Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(admin).await?;
    let head = format!("GET {page} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let Some((head, rest)) = end.and_then(|end| answer.split_at_checked(end)) else {
        bail!("no head");
    };
    let status = head.split(|byte| *byte == b' ').nth(1);
    let status = std::str::from_utf8(status.unwrap_or_default())?.parse()?;
    Ok((status, rest.get(4..).unwrap_or_default().to_vec()))
}
