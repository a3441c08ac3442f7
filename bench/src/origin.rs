//! An origin that answers every request with 100 bytes, and a client that keeps its connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Starts the origin on a free loopback port, on the current runtime.
///
/// # Errors
///
/// When no port is free.
pub async fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_all(stream));
        }
    });
    Ok(address)
}

async fn answer_all(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}",
        "x".repeat(100)
    );
    let mut seen = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        seen.extend_from_slice(buffer.get(..count).unwrap_or_default());
        while let Some(end) = head_end(&seen) {
            seen.drain(..end);
            stream.write_all(answer.as_bytes()).await?;
        }
    }
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|at| at + 4)
}

/// A connection that sends one request after the other.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The generation in `x-weft-snapshot`, 0 without it.
    pub generation: u64,
    /// Whether the proxy announced that it closes the connection.
    pub closes: bool,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When that fails within two seconds.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream =
            tokio::time::timeout(Duration::from_secs(2), TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Sends a GET and reads the whole answer.
    ///
    /// # Errors
    ///
    /// When the connection ends, the answer is no HTTP with a content length, or five seconds pass.
    pub async fn get(&mut self, path: &str) -> io::Result<Answer> {
        tokio::time::timeout(Duration::from_secs(5), self.exchange(path)).await?
    }

    async fn exchange(&mut self, path: &str) -> io::Result<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: bench.example\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let bad = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "not the answer that was expected",
            )
        };
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some(end) = head_end(&self.buffer) else {
                continue;
            };
            let head =
                String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default()).to_lowercase();
            let field = |name: &str| {
                head.lines().find_map(|line| {
                    line.strip_prefix(name)?
                        .strip_prefix(": ")
                        .map(str::to_owned)
                })
            };
            let length: usize = field("content-length")
                .and_then(|text| text.parse().ok())
                .ok_or_else(bad)?;
            if self.buffer.len() < end + length {
                continue;
            }
            let status = head
                .get(9..12)
                .and_then(|text| text.parse().ok())
                .ok_or_else(bad)?;
            let generation = field("x-weft-snapshot")
                .and_then(|text| text.parse().ok())
                .unwrap_or(0);
            let closes = field("connection").is_some_and(|value| value.contains("close"));
            return Ok(Answer {
                status,
                generation,
                closes,
            });
        }
    }
}
