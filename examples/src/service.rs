//! A tiny HTTP service: what stands behind a sidecar.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::client::Protocol;

/// A request as a service got it, body and all.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The path with the query.
    pub target: String,
    /// The headers; over HTTP/2 with the authority as `host`.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Received {
    /// The first value of a header; empty when there is none or it is no text.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// A running service; it stops, with its connections, when this is dropped.
#[derive(Debug)]
pub struct Service {
    task: JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Service {
    /// Stops it, and returns when its address is free again.
    pub async fn stop(mut self) {
        self.task.abort();
        // It was cancelled; that is what was wanted.
        let _cancelled = (&mut self.task).await;
    }

    /// Listens on `address` and answers with `handler`.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub async fn start<H, F>(
        address: SocketAddr,
        protocol: Protocol,
        handler: H,
    ) -> anyhow::Result<Self>
    where
        H: Fn(Received) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("a service cannot listen on {address}"))?;
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _peer)) = listener.accept().await else {
                    break;
                };
                connections.spawn(serve(stream, protocol, handler.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { task })
    }
}

async fn serve<H, F>(stream: TcpStream, protocol: Protocol, handler: H)
where
    H: Fn(Received) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let _delay_is_harmless = stream.set_nodelay(true);
    let answer = service_fn(move |request: Request<Incoming>| {
        let handler = handler.clone();
        async move {
            let response = match receive(request).await {
                Ok(received) => handler(received).await,
                Err(error) => text(400, &error.to_string()),
            };
            Ok::<_, Infallible>(response)
        }
    });
    let stream = TokioIo::new(stream);
    // A connection that ends badly is the client's affair; the client says so.
    let _ended = match protocol {
        Protocol::Http1 => http1::Builder::new().serve_connection(stream, answer).await,
        Protocol::Http2 => {
            http2::Builder::new(TokioExecutor::new())
                .serve_connection(stream, answer)
                .await
        }
    };
}

async fn receive(request: Request<Incoming>) -> anyhow::Result<Received> {
    let (head, body) = request.into_parts();
    let mut headers = head.headers;
    if let (false, Some(authority)) = (headers.contains_key("host"), head.uri.authority()) {
        headers.insert("host", authority.as_str().parse()?);
    }
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str())
        .to_owned();
    let body = body.collect().await?.to_bytes();
    Ok(Received {
        method: head.method.to_string(),
        target,
        headers,
        body,
    })
}

/// A plain answer.
pub fn text(status: u16, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(body.as_bytes())));
    if let Ok(status) = status.try_into() {
        *response.status_mut() = status;
    }
    response
}
