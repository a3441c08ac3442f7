//! Connections that are accepted after the swap to a snapshot in which nobody listens at their address.
#![cfg(test)]

mod data_support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use data_support::{
    Origin, Proxy, active, connect, eventually, everything_to, forward, header, status,
};

#[test]
fn who_waits_to_be_accepted_when_the_listener_goes_is_answered() {
    let (here, there) = (Origin::saying("here"), Origin::saying("there"));
    let to = |origin: &Origin| everything_to(origin.address, forward(&[1_000_000]));
    let (here, there) = (to(&here), to(&there));
    let proxy = Proxy::start(&there);
    let fleet = proxy.fleet.as_ref().unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let first = proxy.shared.swap(Arc::new(active(&here, address, 2)));
    let mut clients: Vec<_> = (0..50).map(|_client| connect(address)).collect();
    for client in &mut clients {
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        client.write_all(request).unwrap();
    }

    let after = active(&there, proxy.address, 3);
    let (_before, gone) = proxy.shared.swap(Arc::new(after));
    fleet.listen(address, vec![socket]);
    for (address, last) in gone {
        fleet.stop_listening(address, &last);
    }

    for client in &mut clients {
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(status(&answer), 200, "{answer}");
        assert_eq!(header(&answer, "connection"), Some("close"), "{answer}");
        assert!(answer.ends_with("here"), "{answer}");
    }
    drop(first);
    eventually("the snapshot is held by its connections alone", || {
        proxy.shared.forget_departed();
        proxy.shared.departed.load().is_empty()
    });
}
