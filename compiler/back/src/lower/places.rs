//! From byte offsets to lines.

use weft_front::settings::{Decided, SettingSources, Settled};
use weft_front::source::Sources;
use weft_snapshot::origins::{Overridden, Place, RouteOrigin, SettingPlace};
use weft_spec::Span;
/// The offsets at which the lines of each file start.
#[derive(Debug)]
pub struct Lines {
    starts: Vec<Vec<u32>>,
}

impl Lines {
    /// Indexes all files.
    pub fn new(sources: &Sources) -> Self {
        let of_file = |text: &str| {
            let breaks = text.match_indices('\n');
            breaks.map(|(offset, _)| super::position(offset)).collect()
        };
        Self {
            starts: sources
                .iter()
                .map(|(_, file)| of_file(&file.text))
                .collect(),
        }
    }

    /// The file and line at which a span starts; nothing for what no file holds.
    pub fn place(&self, span: Span) -> Option<Place> {
        let breaks = self.starts.get(usize::try_from(span.file.0).ok()?)?;
        let before = breaks.partition_point(|offset| *offset < span.start);
        Some(Place {
            file: span.file.0,
            line: super::position(before).saturating_add(1),
        })
    }

    /// The origin of something at `span` that has no settings.
    pub(super) fn plain_origin(&self, span: Span) -> RouteOrigin {
        RouteOrigin {
            rule: self.place(span).unwrap_or(Place { file: 0, line: 1 }),
            settings: Vec::new(),
            over: Vec::new(),
        }
    }

    /// The origin of something at `span`, with those of its settings and what else is said of them.
    pub(super) fn origin(
        &self,
        span: Span,
        said: &SettingSources<'_>,
        settled: &Settled<'_>,
    ) -> RouteOrigin {
        let mut origin = self.plain_origin(span);
        let is_written = |(_, _, decided): &(_, _, &Decided<'_>)| !decided.span.is_none();
        let written = settled.iter().filter(is_written).count();
        origin.settings.reserve_exact(written);
        for (position, setting, decided) in settled.iter() {
            let decides = self.place(decided.span);
            origin.settings.extend(decides.map(|place| SettingPlace {
                setting: position,
                place,
            }));
            if said.is_silent(position) {
                continue;
            }
            let others = said.levels(setting).filter_map(|other| {
                // The one that decides is told already.
                let place = self.place(other.span);
                let place = place.filter(|place| decides != Some(*place))?;
                Some(Overridden {
                    setting: position,
                    level: other.level.written()?,
                    value: setting.unit.written(&other.value),
                    place,
                })
            });
            origin.over.extend(others);
        }
        origin
    }
}
