//! serde's view of a tree.

use serde::de::value::{BorrowedStrDeserializer, U32Deserializer};
use serde::de::{
    DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use weft_spec::spanned::{SPANNED, SPANNED_FIELDS};

use super::fault::{Fault, in_plain_words};
use super::place::Place;
use super::{DEFINITIONS, MAX_ENTRIES, State, report};
use crate::parse::yaml::{Children, Kind, NodeId, Scalar};

/// One node, as serde reads it.
#[derive(Clone, Copy)]
pub(super) struct Decoder<'a> {
    state: &'a State<'a, 'a>,
    id: NodeId,
    role: Role,
    /// The name of the type of which it is a field; empty for everything else.
    of: &'static str,
}

/// What a node is for its parent.
#[derive(Clone, Copy)]
enum Role {
    /// A key: always a text.
    Key,
    /// A value, and its key if it has one.
    Value(Option<NodeId>),
}

impl<'a> Decoder<'a> {
    /// Reads the value `id` of `key`.
    pub(super) fn value(state: &'a State<'a, 'a>, id: NodeId, key: Option<NodeId>) -> Self {
        Self {
            state,
            id,
            role: Role::Value(key),
            of: "",
        }
    }

    fn key(state: &'a State<'a, 'a>, id: NodeId) -> Self {
        Self {
            state,
            id,
            role: Role::Key,
            of: "",
        }
    }

    /// The same as a field of a type.
    fn of(self, of: &'static str) -> Self {
        Self { of, ..self }
    }

    fn scalar(self) -> Option<Scalar<'a>> {
        match (self.state.tree.kind(self.id), self.role) {
            (Kind::Scalar { text, .. }, Role::Key) => Some(Scalar::Text(text)),
            (Kind::Scalar { text, style }, Role::Value(_)) => Some(Scalar::read(text, style)),
            (Kind::Sequence | Kind::Mapping, _) => None,
        }
    }

    /// Hands over a text, and remembers it if it is one that other tools take for something else.
    fn visit_text<V: Visitor<'a>>(self, text: &'a str, visitor: V) -> Result<V::Value, Fault> {
        let value = visitor.visit_borrowed_str(text)?;
        self.state
            .take_as_text(self.id, matches!(self.role, Role::Key), self.of);
        Ok(value)
    }

    /// Reports what went wrong here, once, and marks the node.
    fn settle<T>(self, result: Result<T, Fault>) -> Result<T, Fault> {
        match result {
            Ok(value) => Ok(value),
            Err(Fault::Reported) => Err(Fault::Reported),
            Err(fault) => Err(self.refuse(&fault, "")),
        }
    }

    fn refuse(self, fault: &Fault, structure: &str) -> Fault {
        let key = match self.role {
            Role::Key => None,
            Role::Value(key) => key,
        };
        let place = Place {
            id: self.id,
            key,
            of: self.of,
        };
        report::report(self.state, place, fault, structure);
        self.state.refuse(self.id);
        Fault::Reported
    }

    fn wrong<T>(self, expected: &str) -> Result<T, Fault> {
        Err(self.refuse(&Fault::Expected(expected.to_owned()), ""))
    }

    fn wrong_for<T>(self, visitor: &dyn Expected) -> Result<T, Fault> {
        self.wrong(&in_plain_words(&visitor.to_string()))
    }

    /// The entries of a mapping, of which there are at most so many, if that is known.
    fn entries(self, of: &'static str, most: Option<usize>) -> Entries<'a> {
        Entries {
            of,
            state: self.state,
            rest: self.state.tree.children(self.id),
            most,
            pending: None,
        }
    }
}

impl<'de> Deserializer<'de> for Decoder<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let children = self.state.tree.children(self.id).count();
        self.within_bounds(children)?;
        let result = match (self.scalar(), self.state.tree.kind(self.id)) {
            (Some(Scalar::Nothing), _) => visitor.visit_unit(),
            (Some(Scalar::Boolean(value)), _) => visitor.visit_bool(value),
            (Some(Scalar::Number(value)), _) => visitor.visit_u64(value),
            (Some(Scalar::Negative(value)), _) => visitor.visit_i64(value),
            (Some(Scalar::Text(text)), _) => self.visit_text(text, visitor),
            (None, Kind::Mapping) => visitor.visit_map(self.entries("", Some(children / 2))),
            (None, Kind::Sequence | Kind::Scalar { .. }) => {
                visitor.visit_seq(self.elements(children))
            }
        };
        self.settle(result)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.scalar() {
            Some(Scalar::Text(text)) => {
                let result = self.visit_text(text, visitor);
                self.settle(result)
            }
            Some(
                Scalar::Nothing | Scalar::Boolean(_) | Scalar::Number(_) | Scalar::Negative(_),
            )
            | None => self.wrong_for(&visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    /// A text that is one of the language's own: a field, a word, a day. What another tool makes of it is refused here, so it need not
    /// be said beforehand.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.scalar() {
            Some(Scalar::Text(text)) => {
                let result = visitor.visit_borrowed_str(text);
                self.settle(result)
            }
            Some(
                Scalar::Nothing | Scalar::Boolean(_) | Scalar::Number(_) | Scalar::Negative(_),
            )
            | None => self.wrong_for(&visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.state.tree.kind(self.id) {
            Kind::Sequence => {
                let elements = self.state.tree.children(self.id).count();
                self.within_bounds(elements)?;
                let result = visitor.visit_seq(self.elements(elements));
                self.settle(result)
            }
            Kind::Mapping | Kind::Scalar { .. } => self.wrong_for(&visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.state.tree.kind(self.id) {
            Kind::Mapping => {
                let entries = self.state.tree.entries(self.id).count();
                self.within_bounds(entries)?;
                let result = visitor.visit_map(self.entries("", Some(entries)));
                self.settle(result)
            }
            Kind::Sequence | Kind::Scalar { .. } => self.wrong_for(&visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == SPANNED {
            return visitor.visit_map(WithSpan {
                decoder: self,
                step: 0,
            });
        }
        let Kind::Mapping = self.state.tree.kind(self.id) else {
            return self.wrong(&report::mapping_with(fields));
        };
        report::unknown_fields(self.state, self.id, fields, name);
        report::empty_lists(self.state, self.id, name);
        match visitor.visit_map(self.entries(name, None)) {
            Ok(value) => Ok(value),
            Err(Fault::Reported) => Err(Fault::Reported),
            Err(fault) => Err(self.refuse(&fault, name)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let text = match (self.scalar(), self.state.tree.text(self.id)) {
            (Some(Scalar::Text(text)), _) => text,
            // `true` and `1` are words of other products and versions.
            (Some(Scalar::Boolean(_) | Scalar::Number(_) | Scalar::Negative(_)), Some(text)) => {
                text
            }
            _ => return self.wrong(&report::one_of(variants)),
        };
        if !variants.contains(&text) {
            let fault = Fault::UnknownVariant(text.to_owned(), variants);
            return Err(self.refuse(&fault, name));
        }
        let word: BorrowedStrDeserializer<'de, Fault> = BorrowedStrDeserializer::new(text);
        let result = visitor.visit_enum(word);
        self.settle(result)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        tuple tuple_struct
    }
}

impl<'a> Decoder<'a> {
    /// Refuses a list or mapping within a definition that has too many entries.
    fn within_bounds(self, entries: usize) -> Result<(), Fault> {
        let key = match self.role {
            Role::Key | Role::Value(None) => None,
            Role::Value(Some(key)) => self.state.tree.text(key),
        };
        if entries <= MAX_ENTRIES || key.is_some_and(|key| DEFINITIONS.contains(&key)) {
            return Ok(());
        }
        Err(self.refuse(&Fault::TooMany(entries), ""))
    }

    /// The elements of a list, of which there are at most so many.
    fn elements(self, most: usize) -> Elements<'a> {
        Elements {
            state: self.state,
            rest: self.state.tree.children(self.id),
            most,
        }
    }
}

/// The value and its place, in the protocol of [`weft_spec::Spanned`].
struct WithSpan<'a> {
    decoder: Decoder<'a>,
    step: usize,
}

impl<'de> MapAccess<'de> for WithSpan<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some(field) = SPANNED_FIELDS.get(self.step) else {
            return Ok(None);
        };
        seed.deserialize(BorrowedStrDeserializer::new(field))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let span = self.decoder.state.tree.span(self.decoder.id);
        let number = match self.step {
            0 => span.file.0,
            1 => span.start,
            2 => span.end,
            _ => return seed.deserialize(self.decoder),
        };
        self.step = self.step.saturating_add(1);
        let number: U32Deserializer<Fault> = number.into_deserializer();
        seed.deserialize(number)
    }
}

/// The entries of a mapping that are not refused.
struct Entries<'a> {
    state: &'a State<'a, 'a>,
    /// The name of the type whose fields they are; empty for entries with names of the user's.
    of: &'static str,
    rest: Children<'a, 'a>,
    most: Option<usize>,
    pending: Option<(NodeId, NodeId)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let state = self.state;
        let rest = &mut self.rest;
        let mut entries = std::iter::from_fn(|| Some((rest.next()?, rest.next()?)));
        self.pending =
            entries.find(|(key, value)| !state.is_refused(*key) && !state.is_refused(*value));
        let Some((key, _)) = self.pending else {
            return Ok(None);
        };
        seed.deserialize(Decoder::key(state, key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        match self.pending.take() {
            Some((key, value)) => {
                seed.deserialize(Decoder::value(self.state, value, Some(key)).of(self.of))
            }
            None => Err(Fault::Custom("a value without a key".to_owned())),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        self.most
    }
}

/// The elements of a list that are not refused.
struct Elements<'a> {
    state: &'a State<'a, 'a>,
    rest: Children<'a, 'a>,
    most: usize,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let state = self.state;
        let Some(id) = self.rest.find(|id| !state.is_refused(*id)) else {
            return Ok(None);
        };
        seed.deserialize(Decoder::value(state, id, None)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.most)
    }
}
