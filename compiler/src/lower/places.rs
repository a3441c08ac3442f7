//! From byte offsets to lines.

use weft_snapshot::origins::{Overridden, Place, RouteOrigin, Setting, SettingPlaces};
use weft_spec::Span;

use crate::model::effective::{Limit, Retries, Timeouts};
use crate::model::levels::Levels;
use crate::source::Sources;

/// The offsets at which the lines of each file start.
pub(crate) struct Lines {
    starts: Vec<Vec<u32>>,
}

impl Lines {
    /// Indexes all files.
    pub(crate) fn new(sources: &Sources) -> Self {
        let of_file = |text: &str| {
            (0_u32..)
                .zip(text.bytes())
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(offset, _)| offset)
                .collect()
        };
        Self {
            starts: sources
                .iter()
                .map(|(_, file)| of_file(&file.text))
                .collect(),
        }
    }

    /// The file and line at which a span starts; nothing for what no file holds.
    pub(crate) fn place(&self, span: Span) -> Option<Place> {
        let breaks = self.starts.get(usize::try_from(span.file.0).ok()?)?;
        let before = breaks.partition_point(|offset| *offset < span.start);
        Some(Place {
            file: span.file.0,
            line: super::position(before).saturating_add(1),
        })
    }

    /// The origin of something at `span`, with the origins of its settings.
    pub(super) fn origin(
        &self,
        span: Span,
        (timeouts, retries): (Option<&Timeouts>, Option<&Retries>),
        levels: Option<&Levels<'_>>,
    ) -> RouteOrigin {
        let nowhere = Place { file: 0, line: 1 };
        let limit = |limit: Option<Limit>| limit.and_then(|limit| self.place(limit.span));
        let settings = timeouts.map_or_else(SettingPlaces::default, |timeouts| SettingPlaces {
            request: limit(timeouts.request),
            backend_request: limit(timeouts.backend_request),
            connect: limit(Some(timeouts.connect)),
            idle: limit(Some(timeouts.idle)),
            retry: None,
        });
        let settings = SettingPlaces {
            retry: retries.and_then(|retries| self.retry(retries)),
            ..settings
        };
        RouteOrigin {
            rule: self.place(span).unwrap_or(nowhere),
            settings,
            over: levels.map_or_else(Vec::new, |levels| self.over(levels, &settings)),
        }
    }

    /// What levels say of settings, without the one that decides, which is told already.
    fn over(&self, levels: &Levels<'_>, settings: &SettingPlaces) -> Vec<Overridden> {
        let said = levels.said().filter_map(|said| {
            let place = self.place(said.span)?;
            let decides = match said.setting {
                Setting::Request => settings.request,
                Setting::BackendRequest => settings.backend_request,
                Setting::Connect => settings.connect,
                Setting::Idle => settings.idle,
                Setting::Attempts => settings.retry,
            };
            (decides != Some(place)).then_some(Overridden {
                setting: said.setting,
                level: said.level,
                value: said.value,
                place,
            })
        });
        said.collect()
    }

    // Several places may have a say in retries; the most specific of them stands for all.
    fn retry(&self, retries: &Retries) -> Option<Place> {
        let Retries {
            attempts,
            on,
            budget,
            backoff_base,
            backoff_max,
            idempotent,
        } = retries;
        [
            (attempts.level, attempts.span),
            (on.level, on.span),
            (idempotent.level, idempotent.span),
            (budget.level, budget.span),
            (backoff_base.level, backoff_base.span),
            (backoff_max.level, backoff_max.span),
        ]
        .into_iter()
        .rev()
        .max_by_key(|(level, _)| *level)
        .and_then(|(_, span)| self.place(span))
    }
}
