//! Findings for people, drawn by rustc's renderer.
//!
//! The renderer indexes the text that it gets, so it gets a few lines around each place and never a
//! whole file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Patch, Renderer, Snippet};
use weft_spec::FileId;

use super::places::{Places, Window};
use super::{Colour, summary};
use crate::diagnostic::{Diagnostic, Edit, Label, Severity};
use crate::text;

/// Lines shown around a place.
const AROUND: usize = 1;
/// Places farther apart than this are shown as two excerpts.
const FAR: usize = 400;
/// The most bytes of the lines of one excerpt. Of more, and that is one very long line as a rule, each place gets what stands
/// around it: a line of a megabyte with a thousand mistakes would be a gigabyte.
const MAX_EXCERPT: usize = 16 << 10;
/// What is shown of such a line in front of a place and from it on, in bytes.
const BEFORE: usize = 40;
const BEHIND: usize = 120;
/// Stands in front of the place.
const HERE: &str = "»";
/// The most places of one finding that are shown so.
const MAX_PLACES: usize = 8;

/// What is found, with a sum over `all` of which it is the first part, and a word about the rest.
pub(super) fn render(
    found: &[Diagnostic],
    (all, rest): (&[Diagnostic], Option<String>),
    places: &Places<'_>,
    colour: Colour,
) -> String {
    let renderer = match colour {
        Colour::Plain => Renderer::plain(),
        Colour::Styled => Renderer::styled(),
    };
    let mut text = String::new();
    let told = || found.iter().filter(|found| found.suppressed.is_none());
    for diagnostic in told() {
        text.push_str(&renderer.render(&report(diagnostic, places)));
        text.push_str("\n\n");
    }
    if told().next().is_some() {
        let level = match told().map(|found| found.severity).min() {
            Some(Severity::Error) => Level::ERROR,
            Some(Severity::Warning) => Level::WARNING,
            Some(Severity::Info) | None => Level::INFO,
        };
        let rest = rest.map_or(String::new(), |rest| format!("; {rest}"));
        let last = format!("{}{rest}", summary(all));
        let last = [Group::with_title(level.primary_title(last))];
        text.push_str(&renderer.render(&last));
        text.push('\n');
    }
    text::without_commands(&text)
}

fn report<'a>(diagnostic: &'a Diagnostic, places: &Places<'a>) -> Vec<Group<'a>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level
        .primary_title(text::line(&diagnostic.message))
        .id(diagnostic.code.name);
    let mut group = Group::with_title(title);
    for element in elements(diagnostic, places) {
        group = group.element(element);
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(text::terminal(note)));
    }
    let mut groups = vec![group];
    if let Some(help) = &diagnostic.help {
        let mut group = Group::with_title(Level::HELP.secondary_title(text::terminal(help)));
        for snippet in patches(&diagnostic.edits, places) {
            group = group.element(snippet);
        }
        groups.push(group);
    }
    groups
}

/// A label and its bytes, at most to the end of its first line.
struct Mark<'a> {
    kind: AnnotationKind,
    text: &'a str,
    bytes: Range<usize>,
    line: usize,
}

fn elements<'a>(diagnostic: &'a Diagnostic, places: &Places<'a>) -> Vec<Element<'a>> {
    let mut by_file: BTreeMap<FileId, Vec<Mark<'a>>> = BTreeMap::new();
    let primary = std::iter::once((AnnotationKind::Primary, &diagnostic.primary));
    let secondary = diagnostic
        .secondary
        .iter()
        .map(|label| (AnnotationKind::Context, label));
    for (kind, label) in primary.chain(secondary) {
        if let Some(mark) = mark(kind, label, places) {
            by_file.entry(label.span.file).or_default().push(mark);
        }
    }
    let main = by_file.remove(&diagnostic.primary.span.file);
    let main = main.map(|marks| (diagnostic.primary.span.file, marks));
    main.into_iter()
        .chain(by_file)
        .flat_map(|(file, marks)| excerpts(file, marks, places))
        .collect()
}

fn mark<'a>(kind: AnnotationKind, label: &'a Label, places: &Places<'a>) -> Option<Mark<'a>> {
    let bytes = places.range(label.span)?;
    let line = places.line(label.span.file, bytes.start);
    let window = places.window(label.span.file, line..line, 0)?;
    let end = window.start.saturating_add(window.text.len());
    Some(Mark {
        kind,
        text: &label.text,
        bytes: bytes.start..bytes.end.min(end).max(bytes.start),
        line,
    })
}

/// The marks of one file, in excerpts of lines that are close to each other; the primary one first.
fn excerpts<'a>(file: FileId, mut marks: Vec<Mark<'a>>, places: &Places<'a>) -> Vec<Element<'a>> {
    marks.sort_by_key(|mark| mark.line);
    let mut groups: Vec<Vec<Mark<'a>>> = Vec::new();
    for mark in marks {
        match groups.last_mut() {
            Some(group)
                if group
                    .last()
                    .is_some_and(|last| mark.line <= last.line.saturating_add(FAR)) =>
            {
                group.push(mark);
            }
            Some(_) | None => groups.push(vec![mark]),
        }
    }
    let is_secondary = |group: &Vec<Mark<'_>>| {
        !group
            .iter()
            .any(|mark| matches!(mark.kind, AnnotationKind::Primary))
    };
    groups.sort_by_key(is_secondary);
    groups
        .into_iter()
        .flat_map(|group| excerpt(file, group, places))
        .collect()
}

fn excerpt<'a>(file: FileId, marks: Vec<Mark<'a>>, places: &Places<'a>) -> Vec<Element<'a>> {
    let lines = marks.first().zip(marks.last());
    let lines = lines.map(|(first, last)| first.line..last.line);
    let Some(window) = lines.and_then(|lines| places.window(file, lines, AROUND)) else {
        return Vec::new();
    };
    if MAX_EXCERPT < window.text.len() {
        let marks = marks.into_iter().take(MAX_PLACES);
        return marks
            .flat_map(|mark| part_of_line(file, &mark, places))
            .collect();
    }
    let snippet = Snippet::source(shown(window.text))
        .line_start(window.line)
        .path(text::line(&places.path(file)));
    let annotations = marks.into_iter().map(|mark| {
        let text = (!mark.text.is_empty()).then(|| text::line(mark.text));
        mark.kind.span(within(&window, &mark.bytes)).label(text)
    });
    vec![snippet.annotations(annotations).into()]
}

/// What stands around a place in its line.
fn part_of_line<'a>(file: FileId, mark: &Mark<'a>, places: &Places<'a>) -> Vec<Element<'a>> {
    let Some(window) = places.window(file, mark.line..mark.line, 0) else {
        return Vec::new();
    };
    let start = within(&window, &mark.bytes).start;
    let from = window
        .text
        .floor_char_boundary(start.saturating_sub(BEFORE));
    let to = window
        .text
        .ceil_char_boundary(start.saturating_add(BEHIND).min(window.text.len()));
    let sign = |is_cut: bool| if is_cut { "…" } else { "" };
    let before = window.text.get(from..start).unwrap_or_default();
    let behind = window.text.get(start..to).unwrap_or_default();
    let part = [
        sign(from != 0),
        &text::line(before),
        // The renderer counts columns of the lines that it gets, so it does not get this one.
        HERE,
        &text::line(behind),
        sign(to < window.text.len()),
    ];
    let near = Level::NOTE.with_name("near").message(part.concat());
    let said = (!mark.text.is_empty()).then(|| Level::NOTE.message(text::line(mark.text)));
    let origin = Origin::path(text::line(&places.path(file)))
        .line(mark.line)
        .char_column(places.column(file, mark.bytes.start));
    let elements = [origin.into(), near.into()].into_iter();
    elements.chain(said.map(Element::from)).collect()
}

/// Lines of a file without the controls that the renderer passes on (C1, which terminals obey like ESC); the length of every
/// symbol stays what it was.
fn shown(lines: &str) -> Cow<'_, str> {
    let is_passed_on = |symbol: char| ('\u{80}'..='\u{9f}').contains(&symbol);
    if lines.contains(is_passed_on) {
        Cow::Owned(lines.replace(is_passed_on, "\u{b7}"))
    } else {
        Cow::Borrowed(lines)
    }
}

/// The edits that a help stands for, drawn as changes of the file.
fn patches<'a>(edits: &'a [Edit], places: &Places<'a>) -> Vec<Snippet<'a, Patch<'a>>> {
    let mut by_file: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        by_file.entry(edit.span.file).or_default().push(edit);
    }
    by_file
        .into_iter()
        .filter_map(|(file, edits)| patch(file, &edits, places))
        .collect()
}

fn patch<'a>(
    file: FileId,
    edits: &[&'a Edit],
    places: &Places<'a>,
) -> Option<Snippet<'a, Patch<'a>>> {
    let ranges: Vec<Range<usize>> = edits
        .iter()
        .filter_map(|edit| places.range(edit.span))
        .collect();
    let first = places.line(file, ranges.iter().map(|range| range.start).min()?);
    let last = places.line(file, ranges.iter().map(|range| range.end).max()?);
    if FAR < last.saturating_sub(first) {
        return None;
    }
    let window = places.window(file, first..last, 0)?;
    if MAX_EXCERPT < window.text.len() {
        return None;
    }
    let patches = edits.iter().zip(&ranges);
    let patches = patches
        .map(|(edit, range)| Patch::new(within(&window, range), text::visible(&edit.replacement)));
    let snippet = Snippet::source(shown(window.text))
        .line_start(window.line)
        .path(text::line(&places.path(file)));
    Some(snippet.patches(patches))
}

fn within(window: &Window<'_>, bytes: &Range<usize>) -> Range<usize> {
    let shift = |at: usize| at.saturating_sub(window.start).min(window.text.len());
    shift(bytes.start)..shift(bytes.end)
}
