//! A weft-proxy process that is stopped when it goes out of scope.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::{Child, Command};

use crate::plans::NODE;

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    child: Child,
}

impl Proxy {
    /// Starts `weft-proxy` (found beside this executable) on a snapshot, and waits until `listen` answers.
    ///
    /// # Errors
    ///
    /// When the binary is missing or does not listen within ten seconds.
    pub async fn start(dist: &Path, listen: SocketAddr, workers: u32) -> anyhow::Result<Self> {
        Self::start_with_log(dist, listen, workers, Stdio::null()).await
    }

    /// The same, with its log (JSON lines) going to `log`.
    ///
    /// # Errors
    ///
    /// As [`Proxy::start`].
    pub async fn start_with_log(
        dist: &Path,
        listen: SocketAddr,
        workers: u32,
        log: Stdio,
    ) -> anyhow::Result<Self> {
        let binary = std::env::current_exe()?.with_file_name("weft-proxy");
        let child = Command::new(&binary)
            .args(["--snapshot".as_ref(), dist.as_os_str()])
            .args(["--node", NODE, "--admin", "off", "--access-log", "off"])
            .args(["--workers", &workers.to_string(), "--log-format", "json"])
            .stdin(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| {
                format!(
                    "starting {}; build it with --profile dist first",
                    binary.display()
                )
            })?;
        let proxy = Self { child };
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(listen).await.is_ok() {
                return Ok(proxy);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("weft-proxy does not listen on {listen} after ten seconds")
    }

    /// The process id.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The resident memory in KiB.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn resident_kib(&self) -> anyhow::Result<u64> {
        let id = self.id().context("the proxy is gone")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .context("no VmRSS")?;
        Ok(line
            .split_whitespace()
            .nth(1)
            .context("no number")?
            .parse()?)
    }

    /// Stops the process and waits for it.
    ///
    /// # Errors
    ///
    /// When it cannot be stopped.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("stopping weft-proxy")
    }
}

/// A loopback address that is free now.
///
/// # Errors
///
/// When no port is free.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}
