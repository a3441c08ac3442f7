//! Who may call this node.

use super::decide::methods_admit;
use super::path::path_matches;
use super::{Slice, part};
use crate::number::wide;
use crate::records::{Span, method_bit};
use zerocopy::little_endian::U32;

impl Slice {
    /// The position of a permission that lets `identity` send `method` to the canonical `path`, or `None`
    /// when there is none: what is not allowed is denied.
    ///
    /// `identity` is the whole SPIFFE ID of the verified peer, compared byte by byte.
    pub fn authorize(&self, identity: &str, method: &str, path: &str) -> Option<u32> {
        let reader = self.reader();
        let grants = reader.grants();
        let wanted = identity.as_bytes();
        let start = grants.partition_point(|grant| reader.text_bytes(grant.identity) < wanted);
        let rest = part(
            grants,
            Span {
                start: U32::new(u32::try_from(start).ok()?),
                count: U32::new(u32::try_from(grants.len() - start).ok()?),
            },
        );
        let bit = method_bit(method);
        rest.iter()
            .take_while(|grant| reader.text_bytes(grant.identity) == wanted)
            .map(|grant| grant.allow.get())
            .find(|position| {
                reader.allows().get(wide(*position)).is_some_and(|allow| {
                    methods_admit(reader, &allow.methods, bit, method)
                        && path_matches(reader, &allow.path, allow.automaton.get(), path)
                })
            })
    }

    /// The id of a permission.
    pub fn allow_id(&self, position: u32) -> Option<&str> {
        let reader = self.reader();
        reader
            .allows()
            .get(wide(position))
            .map(|allow| reader.text(allow.id))
    }
}
