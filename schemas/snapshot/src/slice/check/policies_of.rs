//! Decodes the policies and checks what their types leave open.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use crate::policy::Policy;
use crate::slice::SliceError;
use crate::slice::check::broken;

/// The policies in `json`, at most `most` of them: one that no outcome has would only take memory.
pub(super) fn policies(json: &[u8], most: usize) -> Result<Vec<Policy>, SliceError> {
    let not_understood = |error: serde_json::Error| SliceError::Policies {
        message: error.to_string(),
    };
    let mut decoder = serde_json::Deserializer::from_slice(json);
    let policies = AtMost(most)
        .deserialize(&mut decoder)
        .map_err(not_understood)?;
    decoder.end().map_err(not_understood)?;
    for (position, policy) in policies.iter().enumerate() {
        policy
            .check()
            .map_err(|what| broken("policies", position, what))?;
    }
    Ok(policies)
}

/// A list of that length at most; a longer one is refused where it gets too long, not when it is in memory.
struct AtMost(usize);

impl<'de> DeserializeSeed<'de> for AtMost {
    type Value = Vec<Policy>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for AtMost {
    type Value = Vec<Policy>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "at most {} policies", self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut policies = Vec::new();
        while let Some(policy) = list.next_element()? {
            if policies.len() == self.0 {
                return Err(A::Error::custom("more policies than outcomes"));
            }
            policies.push(policy);
        }
        Ok(policies)
    }
}
