//! A name server on loopback that does what a test says, over UDP and TCP.
//!
//! Use it with `#[path = "common/dns.rs"] mod dns;`.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the server says about the IPv4 addresses of every name. It knows of no others.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// These, for so many seconds.
    Addresses(Vec<Ipv4Addr>, u32),
    /// There is no such name.
    NoName,
    /// There is, without addresses.
    NoAddress,
    /// SERVFAIL.
    Failure,
    /// The answer is too long for UDP: these, for so many seconds, over TCP.
    Cut(Vec<Ipv4Addr>, u32),
    /// Something, so much later.
    Late(Duration, Box<Self>),
    /// FORMERR to a question with EDNS, and otherwise something.
    NoEdns(Box<Self>),
    /// This about IPv6 addresses, and something else about others.
    V6(Box<Self>, Box<Self>),
    /// Nothing, ever.
    Silence,
}

/// The server; ends with the process.
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    reply: Arc<Mutex<Reply>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A question that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) is_v4: bool,
    pub(crate) is_tcp: bool,
}

impl Dns {
    pub(crate) fn start(reply: Reply) -> Self {
        let (udp, tcp) = sockets();
        let dns = Self {
            address: udp.local_addr().unwrap(),
            reply: Arc::new(Mutex::new(reply)),
            asked: Arc::default(),
        };
        let (reply, asked) = (Arc::clone(&dns.reply), Arc::clone(&dns.asked));
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((count, client)) = udp.recv_from(&mut buffer) {
                let question = buffer[..count].to_vec();
                let reply = note(&question, false, &reply, &asked);
                let udp = udp.try_clone().unwrap();
                thread::spawn(move || {
                    if let Some(answer) = answer(&question, reply, false) {
                        let _gone = udp.send_to(&answer, client);
                    }
                });
            }
        });
        let (reply, asked) = (Arc::clone(&dns.reply), Arc::clone(&dns.asked));
        thread::spawn(move || {
            for stream in tcp.incoming() {
                let mut stream = stream.unwrap();
                let (reply, asked) = (Arc::clone(&reply), Arc::clone(&asked));
                thread::spawn(move || {
                    let mut length = [0; 2];
                    while stream.read_exact(&mut length).is_ok() {
                        let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
                        stream.read_exact(&mut question).unwrap();
                        let reply = note(&question, true, &reply, &asked);
                        if let Some(answer) = answer(&question, reply, true) {
                            let length = u16::try_from(answer.len()).unwrap();
                            stream.write_all(&length.to_be_bytes()).unwrap();
                            stream.write_all(&answer).unwrap();
                        }
                    }
                });
            }
        });
        dns
    }

    /// From now on says something else.
    pub(crate) fn say(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    /// The questions about IPv4 addresses so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|it| it.is_v4).cloned().collect()
    }
}

/// Both kinds on one port.
fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
}

/// The end of the question section, and the name in it.
fn question_of(message: &[u8]) -> (usize, String) {
    let (mut at, mut labels) = (12, Vec::new());
    while message[at] != 0 {
        let length = usize::from(message[at]);
        let label = &message[at + 1..=at + length];
        labels.push(String::from_utf8_lossy(label).into_owned());
        at += 1 + length;
    }
    (at + 5, labels.join("."))
}

fn note(message: &[u8], is_tcp: bool, reply: &Mutex<Reply>, asked: &Mutex<Vec<Asked>>) -> Reply {
    let (end, name) = question_of(message);
    let is_v4 = message[end - 4..end - 2] == [0, 1];
    let reply = reply.lock().unwrap().clone();
    asked.lock().unwrap().push(Asked {
        name,
        is_v4,
        is_tcp,
    });
    let mut reply = reply;
    if let Reply::V6(of_v6, of_v4) = reply {
        return if is_v4 { *of_v4 } else { *of_v6 };
    }
    // EDNS is a record among the additional ones.
    if let Reply::NoEdns(otherwise) = reply {
        if message[10..12] != [0, 0] {
            return Reply::NoEdns(otherwise);
        }
        reply = *otherwise;
    }
    let has_v4_alone = matches!(reply, Reply::Addresses(..) | Reply::Cut(..));
    if has_v4_alone && !is_v4 {
        Reply::NoAddress
    } else {
        reply
    }
}

/// The message that says `reply`, after the wait that it asks for.
fn answer(message: &[u8], reply: Reply, is_tcp: bool) -> Option<Vec<u8>> {
    let (code, is_cut, addresses, ttl) = match reply {
        Reply::Late(wait, reply) => {
            thread::park_timeout(wait);
            return answer(message, *reply, is_tcp);
        }
        Reply::Silence | Reply::V6(..) => return None,
        Reply::Cut(_addresses, ttl) if !is_tcp => (0, true, Vec::new(), ttl),
        Reply::Addresses(addresses, ttl) | Reply::Cut(addresses, ttl) => (0, false, addresses, ttl),
        Reply::NoAddress => (0, false, Vec::new(), 0),
        Reply::NoName => (3, false, Vec::new(), 0),
        Reply::Failure => (2, false, Vec::new(), 0),
        Reply::NoEdns(_) => (1, false, Vec::new(), 0),
    };
    let (end, _name) = question_of(message);
    let flags: u16 = 0x8180 | code | if is_cut { 0x0200 } else { 0 };
    let has_authority = addresses.is_empty() && !is_cut && !matches!(code, 1 | 2);
    let mut answer = message[..2].to_vec();
    answer.extend(flags.to_be_bytes());
    let counts = [
        1,
        u16::try_from(addresses.len()).unwrap(),
        u16::from(has_authority),
        0,
    ];
    answer.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    answer.extend(&message[12..end]);
    for address in addresses {
        answer.extend([0xc0, 12, 0, 1, 0, 1]);
        answer.extend(ttl.to_be_bytes());
        answer.extend([0, 4]);
        answer.extend(address.octets());
    }
    if has_authority {
        // An SOA record whose minimum, the time that a negative answer holds, is a second.
        answer.extend([0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 1, 0, 22, 0, 0]);
        answer.extend([0, 0, 0, 1].repeat(5));
    }
    Some(answer)
}
