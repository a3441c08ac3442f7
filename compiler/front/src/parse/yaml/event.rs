//! YAML as a stream of events, and the one place that knows which crate reads it.
//!
//! [`EventSource`] is what the tree builder needs; [`Granit`] gives it over `granit-parser`. Another
//! parser would be one more implementation here and no change anywhere else.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{
    ErrorKind, Event as GranitEvent, Options, Parser, ScanError, StrInput, StructureStyle,
};

/// How a scalar was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Style {
    /// Without quotes: it may be a number, a boolean or nothing.
    Plain,
    /// With quotes or as a block: it is a text.
    Text,
}

/// One step of a YAML stream.
#[derive(Debug)]
pub(super) enum Event<'s> {
    /// A document begins.
    DocumentStart,
    /// A document ends.
    DocumentEnd,
    /// A scalar.
    Scalar(Cow<'s, str>, Style),
    /// A list begins.
    SequenceStart,
    /// A mapping begins.
    MappingStart,
    /// A list or a mapping ends; whether by a bracket.
    CollectionEnd {
        /// Whether a bracket closed it.
        bracket: bool,
    },
    /// An anchor (`&name`), after the node that has it.
    Anchor,
    /// An alias (`*name`), in place of a node.
    Alias,
}

/// An event, its bytes, and the bytes of the tag in front of it.
#[derive(Debug)]
pub(super) struct Placed<'s> {
    /// The event.
    pub(super) event: Event<'s>,
    /// Its bytes.
    pub(super) bytes: Range<usize>,
    /// The bytes of its tag.
    pub(super) tag: Option<Range<usize>>,
}

/// What is wrong with a text that is not YAML.
#[derive(Debug)]
pub(super) struct SyntaxError {
    /// What is wrong, lowercase.
    pub(super) message: String,
    /// At which byte.
    pub(super) at: usize,
    /// Whether it is only nested too deeply.
    pub(super) is_nesting: bool,
}

/// Gives the events of one text.
pub(super) trait EventSource<'s> {
    /// The next event, or nothing at the end.
    ///
    /// # Errors
    ///
    /// A [`SyntaxError`] where the text is not YAML; [`EventSource::skip_document`] goes on behind it.
    fn next_event(&mut self) -> Result<Option<Placed<'s>>, SyntaxError>;

    /// Skips the rest of the document; whether another one follows.
    fn skip_document(&mut self) -> bool;
}

/// The events of `granit-parser`.
pub(super) struct Granit<'s> {
    parser: Parser<'s, StrInput<'s>>,
    flow: Vec<bool>,
}

impl<'s> Granit<'s> {
    /// Reads `text`, whose nesting may be `nesting` deep.
    pub(super) fn new(text: &'s str, nesting: usize) -> Self {
        let mut options: Options = granit_parser::options! {
            disallow_directives: true,
            emit_unresolved_aliases: true,
            emit_anchor_events: true,
            flow_nesting_limit: nesting,
            block_nesting_limit: nesting,
        };
        options.set_emit_comments(false);
        Self {
            parser: Parser::new_from_str_with_options(text, options),
            flow: Vec::new(),
        }
    }

    fn open(&mut self, style: StructureStyle) {
        self.flow.push(style == StructureStyle::Flow);
    }

    fn translate(&mut self, event: GranitEvent<'s>) -> Option<Event<'s>> {
        Some(match event {
            GranitEvent::DocumentStart(..) => Event::DocumentStart,
            GranitEvent::DocumentEnd => Event::DocumentEnd,
            GranitEvent::Alias(_) | GranitEvent::UnresolvedAlias(_) => Event::Alias,
            GranitEvent::Anchor(..) => Event::Anchor,
            GranitEvent::Scalar(text, style, ..) => {
                let style = match style {
                    granit_parser::ScalarStyle::Plain => Style::Plain,
                    granit_parser::ScalarStyle::SingleQuoted
                    | granit_parser::ScalarStyle::DoubleQuoted
                    | granit_parser::ScalarStyle::Literal
                    | granit_parser::ScalarStyle::Folded => Style::Text,
                };
                Event::Scalar(text, style)
            }
            GranitEvent::SequenceStart(style, ..) => {
                self.open(style);
                Event::SequenceStart
            }
            GranitEvent::MappingStart(style, ..) => {
                self.open(style);
                Event::MappingStart
            }
            GranitEvent::SequenceEnd | GranitEvent::MappingEnd => Event::CollectionEnd {
                bracket: self.flow.pop().unwrap_or_default(),
            },
            // INVARIANT: all else that the pinned version emits is above; comments are switched off.
            GranitEvent::StreamStart | GranitEvent::StreamEnd | _ => return None,
        })
    }
}

impl<'s> EventSource<'s> for Granit<'s> {
    fn next_event(&mut self) -> Result<Option<Placed<'s>>, SyntaxError> {
        while let Some(next) = self.parser.next_event() {
            let (event, span) = next.map_err(|error| syntax_error(&error))?;
            let tag = span.tag_span().and_then(|tag| tag.byte_range());
            let bytes = span.byte_range().unwrap_or_default();
            if let Some(event) = self.translate(event) {
                return Ok(Some(Placed { event, bytes, tag }));
            }
        }
        Ok(None)
    }

    fn skip_document(&mut self) -> bool {
        self.flow.clear();
        self.parser.proceed_next_document().unwrap_or_default()
    }
}

fn syntax_error(error: &ScanError) -> SyntaxError {
    SyntaxError {
        is_nesting: matches!(error.kind(), ErrorKind::RecursionLimitExceeded),
        message: error.kind().to_string(),
        at: error.marker().byte_offset().unwrap_or_default(),
    }
}
