//! Every place of a mesh that says settings, for rules that treat them alike.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use weft_front::model::Mesh;
use weft_front::model::suppression::{SpecPart, is_within};
use weft_front::settings::{Said, Setting, Value};
use weft_spec::{Span, Spanned};
/// All of them: defaults, contracts, calls, listeners and rules.
pub(super) fn places(mesh: &Mesh) -> impl Iterator<Item = &Said> {
    let services = mesh.services.values().flat_map(|service| {
        let calls = service.calls.iter().map(|call| &call.said);
        std::iter::once(&service.said).chain(calls)
    });
    let listeners = mesh.gateways.values().flat_map(|gateway| {
        let listeners = gateway.listeners.iter();
        listeners.map(|listener| &listener.said)
    });
    let rules = mesh.routes.values().flat_map(|route| &route.rules);
    let rules = rules.map(|rule| &rule.said);
    std::iter::once(&mesh.defaults)
        .chain(services)
        .chain(listeners)
        .chain(rules)
}

/// Everything that is said of settings anywhere.
pub(super) fn said(mesh: &Mesh) -> impl Iterator<Item = (&'static Setting, &Spanned<Value>)> {
    places(mesh).flat_map(Said::iter)
}

/// What a mesh says of each setting, in orders in which few of many places are looked at.
#[derive(Debug)]
pub(super) struct EverySaid<'mesh> {
    by_name: BTreeMap<&'static str, SaidOfOne<'mesh>>,
}

/// What a mesh says of one setting.
#[derive(Debug, Default)]
pub(super) struct SaidOfOne<'mesh> {
    /// By the place where it is written.
    by_place: Vec<&'mesh Spanned<Value>>,
    /// Positions in the other list; the largest value first.
    by_value: Vec<usize>,
}

impl<'mesh> EverySaid<'mesh> {
    pub(super) fn new(mesh: &'mesh Mesh) -> Self {
        let mut by_name: BTreeMap<&'static str, SaidOfOne<'mesh>> = BTreeMap::new();
        for (setting, value) in said(mesh) {
            by_name
                .entry(setting.name)
                .or_default()
                .by_place
                .push(value);
        }
        for one in by_name.values_mut() {
            one.by_place.sort_by_key(|said| said.span);
            let mut values: Vec<(usize, &Value)> = one
                .by_place
                .iter()
                .map(|said| &said.value)
                .enumerate()
                .collect();
            values.sort_by_key(|(_, value)| Reverse(*value));
            one.by_value = values.into_iter().map(|(position, _)| position).collect();
        }
        Self { by_name }
    }

    /// What is said of one setting, if anything is.
    pub(super) fn of(&self, setting: &Setting) -> Option<&SaidOfOne<'mesh>> {
        self.by_name.get(setting.name)
    }
}

impl<'mesh> SaidOfOne<'mesh> {
    /// What is larger than a value, the largest first, each with its number.
    pub(super) fn beyond(
        &self,
        most: &Value,
    ) -> impl Iterator<Item = (usize, &'mesh Spanned<Value>)> {
        let numbers = self.by_value.iter().copied();
        let said = numbers.filter_map(|number| Some((number, *self.by_place.get(number)?)));
        said.take_while(move |(_, said)| *most < said.value)
    }

    /// What is written in a place, each with its number; perhaps more than once where regions overlap.
    pub(super) fn within(
        &self,
        place: &SpecPart,
    ) -> impl Iterator<Item = (usize, &'mesh Spanned<Value>)> {
        let regions = place.regions.iter();
        regions.flat_map(|region| self.within_region(*region))
    }

    fn within_region(&self, region: Span) -> impl Iterator<Item = (usize, &'mesh Spanned<Value>)> {
        let key = |span: Span| (span.file, span.start);
        let first = self
            .by_place
            .partition_point(|said| key(said.span) < key(region));
        let behind = self.by_place.iter().copied().enumerate().skip(first);
        behind
            .take_while(move |(_, said)| {
                said.span.file == region.file && said.span.start <= region.end
            })
            .filter(move |(_, said)| is_within(said.span, region))
    }
}
