//! Requests and what must come back, as `serve` and `reload` cases write them.
//!
//! ```text
//! > gateway/public web: GET api.shop.example /orders/7     node, listener, request
//! > x-beta: 1                                              headers
//! >> text                                                  body
//! < 200                                                    status; or `refused`: no answer at all
//! < x-weft-reason: no-route                                a header with this value
//! < !server                                                no such header
//! < after 900ms                                            not sooner
//! < within 1500ms                                          not later
//! | service: orders                                        a line of the body
//! !| header x-secret: 1                                    no such line
//! ```
//!
//! Words between the listener and the colon: `h2`; `as service/web` shows that identity, `as nobody` none;
//! `plain` speaks without TLS; `sni HOST` asks for another host than the request does.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use weft_examples::client::{Answer, Call, Protocol};

use crate::stand::Stand;

/// One request with its expectations.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The line where it begins, from 1.
    pub line: usize,
    /// The request.
    pub ask: Ask,
    /// What must hold.
    expected: Vec<Expected>,
}

/// A request, and how it reaches a proxy.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The node asked.
    pub node: String,
    /// The listener asked.
    pub listener: String,
    /// What is spoken.
    pub protocol: Protocol,
    /// Who asks.
    pub asker: Asker,
    /// The host in the TLS handshake, if it is not that of the request.
    pub sni: Option<String>,
    /// The request.
    pub call: Call,
    /// As it was written.
    pub shown: String,
}

/// Who asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Asker {
    /// A client of the kind that the listener is for.
    Client,
    /// Somebody without a certificate.
    Nobody,
    /// Somebody without TLS.
    Plain,
    /// A node of the mesh.
    Node(String),
}

#[derive(Clone, Debug)]
enum Expected {
    Status(u16),
    Refused,
    Header(String, String),
    NoHeader(String),
    After(Duration),
    Within(Duration),
    BodyLine(String),
    NoBodyLine(String),
}

/// Reads all exchanges of a text; lines that begin otherwise are left out.
///
/// # Errors
///
/// At the first line that is no part of an exchange.
pub fn read(text: &str) -> anyhow::Result<Vec<Exchange>> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut is_open = false;
    for (number, line) in (1..).zip(text.lines()) {
        let trouble = || format!("line {number}: `{line}`");
        if line.is_empty() {
            is_open = false;
        } else if let Some(rest) = line.strip_prefix("> ")
            && !is_open
        {
            let ask = Ask::read(rest).with_context(trouble)?;
            exchanges.push(Exchange {
                line: number,
                ask,
                expected: Vec::new(),
            });
            is_open = true;
        } else if let Some(exchange) = exchanges.last_mut()
            && is_open
        {
            exchange.add(line).with_context(trouble)?;
        }
    }
    Ok(exchanges)
}

impl Ask {
    /// Reads `NODE LISTENER [WORDS]: METHOD HOST TARGET`.
    ///
    /// # Errors
    ///
    /// When it is something else.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let (way, request) = text.split_once(": ").context("no `: `")?;
        let mut way = way.split(' ');
        let mut request = request.splitn(3, ' ');
        let mut next = |what: &'static str| request.next().context(what);
        let (method, host, target) = (next("no method")?, next("no host")?, next("no target")?);
        let mut ask = Self {
            node: way.next().context("no node")?.to_owned(),
            listener: way.next().context("no listener")?.to_owned(),
            protocol: Protocol::Http1,
            asker: Asker::Client,
            sni: None,
            call: Call::new(method, host, target),
            shown: text.to_owned(),
        };
        while let Some(word) = way.next() {
            match word {
                "h2" => ask.protocol = Protocol::Http2,
                "plain" => ask.asker = Asker::Plain,
                "sni" => ask.sni = way.next().map(str::to_owned),
                "as" => {
                    ask.asker = match way.next().context("`as` whom?")? {
                        "nobody" => Asker::Nobody,
                        node => Asker::Node(node.to_owned()),
                    }
                }
                other => bail!("no such word: `{other}`"),
            }
        }
        Ok(ask)
    }
}

impl Exchange {
    fn add(&mut self, line: &str) -> anyhow::Result<()> {
        if let Some(body) = line.strip_prefix(">> ") {
            self.ask.call.body = Bytes::copy_from_slice(body.as_bytes());
        } else if let Some(header) = line.strip_prefix("> ") {
            let (name, value) = header.split_once(": ").context("no header")?;
            self.ask.call = self.ask.call.clone().header(name, value);
        } else if let Some(text) = line.strip_prefix("| ") {
            self.expected.push(Expected::BodyLine(text.to_owned()));
        } else if let Some(text) = line.strip_prefix("!| ") {
            self.expected.push(Expected::NoBodyLine(text.to_owned()));
        } else if let Some(text) = line.strip_prefix("< ") {
            self.expected.push(Expected::read(text)?);
        } else {
            bail!("no part of an exchange");
        }
        Ok(())
    }

    /// Makes the exchange, and returns the answer unless it was refused as expected.
    ///
    /// # Errors
    ///
    /// When something is not as expected, with the answer.
    pub async fn check(&self, stand: &Stand) -> anyhow::Result<Option<Answer>> {
        let began = Instant::now();
        let answer = stand.ask(&self.ask).await;
        let spent = began.elapsed();
        let is_refusal_expected = self
            .expected
            .iter()
            .any(|expected| matches!(expected, Expected::Refused));
        let answer = match answer {
            Ok(answer) => Some(answer),
            Err(_refused) if is_refusal_expected => None,
            Err(error) => return Err(error.context("no answer")),
        };
        for expected in &self.expected {
            if !expected.holds(answer.as_ref(), spent) {
                bail!(
                    "not so: {expected:?}; after {spent:?} {}",
                    shown(answer.as_ref())
                );
            }
        }
        Ok(answer)
    }
}

impl Expected {
    fn read(text: &str) -> anyhow::Result<Self> {
        if let Ok(status) = text.parse() {
            return Ok(Self::Status(status));
        }
        if let Some(limit) = text.strip_prefix("within ") {
            return Ok(Self::Within(millis(limit)?));
        }
        if let Some(limit) = text.strip_prefix("after ") {
            return Ok(Self::After(millis(limit)?));
        }
        if let Some(name) = text.strip_prefix('!') {
            return Ok(Self::NoHeader(name.to_owned()));
        }
        if text == "refused" {
            return Ok(Self::Refused);
        }
        let (name, value) = text.split_once(": ").context("expects what?")?;
        Ok(Self::Header(name.to_owned(), value.to_owned()))
    }

    fn holds(&self, answer: Option<&Answer>, spent: Duration) -> bool {
        match (self, answer) {
            (Self::After(limit), _) => *limit <= spent,
            (Self::Within(limit), _) => spent <= *limit,
            (Self::Refused, answer) => answer.is_none(),
            (Self::Status(status), Some(answer)) => answer.status == *status,
            (Self::Header(name, value), Some(answer)) => answer
                .headers
                .get_all(name)
                .iter()
                .any(|seen| seen.as_bytes() == value.as_bytes()),
            (Self::NoHeader(name), Some(answer)) => !answer.headers.contains_key(name),
            (Self::BodyLine(text), Some(answer)) => answer.text().lines().any(|line| line == text),
            (Self::NoBodyLine(text), Some(answer)) => {
                !answer.text().lines().any(|line| line == text)
            }
            (_, None) => false,
        }
    }
}

fn millis(text: &str) -> anyhow::Result<Duration> {
    let number = text.strip_suffix("ms").context("a time in `ms`")?;
    Ok(Duration::from_millis(number.parse()?))
}

fn shown(answer: Option<&Answer>) -> String {
    answer.map_or("there was no answer".to_owned(), |answer| {
        format!(
            "the answer was {}\n{:?}\n{}",
            answer.status,
            answer.headers,
            answer.text()
        )
    })
}
