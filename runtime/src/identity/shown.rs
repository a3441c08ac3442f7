//! What a peer showed when its connection began, kept so that it can be judged again when trust narrows.
//!
//! TLS verifies a certificate once. A connection outlives the bundle that it was verified with, so whoever
//! holds the connection keeps the chain and asks [`super::Identity::judge_again`].

use rustls_pki_types::{CertificateDer, UnixTime};

/// The certificates of a peer, and when it showed them.
#[derive(Clone, Debug)]
pub struct Shown {
    chain: Box<[CertificateDer<'static>]>,
    at: UnixTime,
}

/// On which side of TLS a peer is; a certificate may be good for one of them alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// It called us.
    Client,
    /// We called it.
    Server,
}

impl Shown {
    /// `chain`, leaf first, as of `at`.
    pub fn new(chain: &[CertificateDer<'_>], at: UnixTime) -> Self {
        let chain = chain.iter().map(|der| der.clone().into_owned());
        Self {
            chain: chain.collect(),
            at,
        }
    }

    /// The chain, leaf first; empty when nothing was shown.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    pub(super) fn at(&self) -> UnixTime {
        self.at
    }
}
