//! Servers of raw bytes that record exactly what they receive.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::{PATIENCE, header};

/// A server of raw bytes, and what it received, one text per connection.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Origin {
    /// Each connection is handed to `serve` with its number, on a thread of its own.
    pub(crate) fn start(serve: impl Fn(usize, &mut Recorded) + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&received);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
                stream.set_nodelay(true).expect("a socket");
                record.lock().expect("the record").push(Vec::new());
                let record = Arc::clone(&record);
                let serve = serve.clone();
                thread::spawn(move || {
                    serve(
                        number,
                        &mut Recorded {
                            stream,
                            record,
                            number,
                        },
                    );
                });
            }
        });
        Self { address, received }
    }

    /// Answers every request with `response`, read whole before.
    pub(crate) fn answering(response: &str) -> Self {
        let response = response.to_owned();
        Self::start(move |_number, stream| {
            while stream.read_request().is_some() {
                if stream.stream.write_all(response.as_bytes()).is_err() {
                    return;
                }
            }
        })
    }

    /// Answers every request with `200` and this body.
    pub(crate) fn saying(body: &str) -> Self {
        Self::answering(&format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Everything received, connections one after the other.
    pub(crate) fn received(&self) -> String {
        let received = self.received.lock().expect("the record");
        received
            .iter()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .collect()
    }

    /// The connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.received.lock().expect("the record").len()
    }

    pub(crate) fn forget(&self) {
        for bytes in self.received.lock().expect("the record").iter_mut() {
            bytes.clear();
        }
    }
}

/// A connection whose incoming bytes are recorded.
pub(crate) struct Recorded {
    pub(crate) stream: TcpStream,
    record: Arc<Mutex<Vec<Vec<u8>>>>,
    number: usize,
}

impl Recorded {
    /// Reads one byte.
    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        (self.stream.read(&mut byte).ok()? == 1).then_some(())?;
        self.record.lock().expect("the record")[self.number].push(byte[0]);
        Some(byte[0])
    }

    /// Reads until the bytes end with `end`.
    pub(crate) fn read_until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end) {
            bytes.push(self.byte()?);
        }
        Some(bytes)
    }

    /// Reads a request with its body, framed by the letter of the standard.
    pub(crate) fn read_request(&mut self) -> Option<String> {
        let head = String::from_utf8_lossy(&self.read_until(b"\r\n\r\n")?).into_owned();
        let mut whole = head.clone();
        if let Some(length) = header(&head, "content-length") {
            for _ in 0..length.parse::<usize>().expect("digits") {
                whole.push(char::from(self.byte()?));
            }
        } else if header(&head, "transfer-encoding").is_some() {
            loop {
                let line = self.read_until(b"\r\n")?;
                let line = String::from_utf8_lossy(&line).into_owned();
                let digits = line.trim_end().split(';').next().unwrap_or("").to_owned();
                whole.push_str(&line);
                let size = usize::from_str_radix(&digits, 16).expect("a size");
                if size == 0 {
                    whole.push_str(&String::from_utf8_lossy(&self.read_until(b"\r\n")?));
                    break;
                }
                for _ in 0..size + 2 {
                    whole.push(char::from(self.byte()?));
                }
            }
        }
        Some(whole)
    }
}
