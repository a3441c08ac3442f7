//! HTTP/2 on both sides of a proxy, with the `h2` crate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use h2::server::SendResponse;
use http::Request;
use weft_snapshot::plan::{NodePlan, Outcome};
use weft_snapshot::settings::{Role, UpstreamProtocol};

use super::{all_paths, cluster, plan, route};

/// Everything to an HTTP/2 upstream at `address`.
pub(crate) fn to_http2(address: SocketAddr, outcome: Outcome) -> NodePlan {
    let routes = vec![route("all/0", all_paths(), outcome)];
    let clusters = vec![cluster("app", &[address], UpstreamProtocol::Http2)];
    plan(Role::Edge, routes, clusters)
}

/// An origin that takes `most` streams at once: `serve` answers each, with its number.
pub(crate) async fn origin<F>(most: u32, serve: F) -> SocketAddr
where
    F: Fn(usize, Request<RecvStream>, SendResponse<Bytes>) + Send + Sync + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    let count = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (serve, count) = (Arc::clone(&serve), Arc::clone(&count));
            tokio::spawn(async move {
                let mut builder = h2::server::Builder::new();
                builder.max_concurrent_streams(most);
                let mut connection = builder.handshake(stream).await.unwrap();
                while let Some(Ok((request, respond))) = connection.accept().await {
                    serve(count.fetch_add(1, Ordering::Relaxed), request, respond);
                }
            });
        }
    });
    address
}

/// A client on a connection of its own.
pub(crate) async fn client(address: SocketAddr) -> SendRequest<Bytes> {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut builder = h2::client::Builder::new();
    // Its own bound would end the connection that a test with small frames watches.
    builder.data_frame_budget(usize::MAX >> 1);
    let (sender, connection) = builder.handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender.ready().await.unwrap()
}
