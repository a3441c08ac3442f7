//! Reads the plan back out of a slice: what `weft inspect` prints and analyses compare.

use super::view::{ActionView, OutcomeView, Part, Rewrite};
use super::{Reader, Slice, part};
use crate::plan::{self, NodePlan};
use crate::records;

impl Slice {
    /// The plan that was written.
    pub fn plan(&self) -> NodePlan {
        let reader = self.reader();
        NodePlan {
            settings: self.settings.clone(),
            tables: reader
                .tables()
                .iter()
                .map(|table| self.table(reader, *table))
                .collect(),
            access: self.access(),
        }
    }

    /// The access rules that were written, in order of precedence.
    pub fn access(&self) -> Vec<plan::AccessPlan> {
        let reader = self.reader();
        let rules = reader.access().iter();
        rules.map(|rule| access_plan(reader, rule)).collect()
    }

    /// One route that was written, by its position in the slice.
    pub fn route_plan(&self, index: u32) -> Option<plan::RoutePlan> {
        let route = self.route(index)?;
        let reader = self.reader();
        let record = route.record();
        Some(plan::RoutePlan {
            id: route.id().to_owned(),
            path: path(reader, &record.path),
            methods: methods(reader, &record.methods),
            headers: conditions(reader, record.headers),
            query: conditions(reader, record.query),
            outcome: outcome(&route.outcome()),
        })
    }

    /// The host patterns of a table; none for a table that is not there.
    pub fn hosts(&self, table: u32) -> impl Iterator<Item = &str> {
        self.host_records(table)
            .map(|host| self.reader().text(host.pattern))
    }

    /// The positions of the routes of a host pattern, in order of precedence.
    pub fn routes_of(&self, table: u32, pattern: &str) -> impl Iterator<Item = u32> {
        let host = self
            .host_records(table)
            .find(|host| self.reader().text(host.pattern) == pattern);
        host.into_iter().flat_map(|host| {
            (host.routes.start.get()..).take(crate::number::wide(host.routes.count.get()))
        })
    }

    fn host_records(&self, table: u32) -> impl Iterator<Item = &records::Host> {
        let reader = self.reader();
        let table = reader.tables().get(crate::number::wide(table));
        table
            .into_iter()
            .flat_map(move |table| part(reader.hosts(), table.hosts))
    }

    fn table(&self, reader: Reader<'_>, table: records::Table) -> plan::TablePlan {
        let hosts = part(reader.hosts(), table.hosts).iter().map(|host| {
            let count = crate::number::wide(host.routes.count.get());
            let indices = (host.routes.start.get()..).take(count);
            // Room for all of them at once: a host may have a hundred thousand.
            let mut routes = Vec::with_capacity(count);
            routes.extend(indices.filter_map(|index| self.route_plan(index)));
            plan::HostPlan {
                host: reader.text(host.pattern).to_owned(),
                routes,
            }
        });
        plan::TablePlan {
            hosts: hosts.collect(),
        }
    }
}

fn access_plan(reader: Reader<'_>, rule: &records::Access) -> plan::AccessPlan {
    plan::AccessPlan {
        id: reader.text(rule.id).to_owned(),
        effect: rule.effect(),
        from: reader.texts(rule.from).map(str::to_owned).collect(),
        methods: methods(reader, &rule.methods),
        path: path(reader, &rule.path),
    }
}

fn path(reader: Reader<'_>, path: &records::Path) -> plan::PathPattern {
    let text = reader.text(path.text);
    match path.form.get() {
        0 => plan::PathPattern::from_segments_text(text),
        _ => plan::PathPattern::Regex {
            regex: text.to_owned(),
        },
    }
}

fn methods(reader: Reader<'_>, methods: &records::Methods) -> Vec<String> {
    reader.texts(methods.list).map(str::to_owned).collect()
}

fn conditions(reader: Reader<'_>, span: records::Span) -> Vec<plan::Condition> {
    let conditions = part(reader.conditions(), span).iter().map(|condition| {
        let text = reader
            .optional_text(condition.text)
            .unwrap_or("")
            .to_owned();
        let wanted = match condition.form.get() {
            0 => plan::ValueTest::Exact { text },
            1 => plan::ValueTest::Present,
            2 => plan::ValueTest::Absent,
            _ => plan::ValueTest::Regex { regex: text },
        };
        plan::Condition {
            name: reader.text(condition.name).to_owned(),
            test: wanted,
        }
    });
    conditions.collect()
}

fn outcome(outcome: &OutcomeView<'_>) -> plan::Outcome {
    plan::Outcome {
        action: action(outcome),
        timeouts: outcome.timeouts(),
        path: outcome.path().map(|path| rewrite(&path)),
        host: outcome.host().map(str::to_owned),
        policy: outcome.policy().clone(),
    }
}

fn action(outcome: &OutcomeView<'_>) -> plan::Action {
    match outcome.action() {
        ActionView::Forward(backends) => plan::Action::Forward {
            backends: backends.collect(),
        },
        ActionView::Redirect(redirect) => plan::Action::Redirect {
            status: redirect.status,
            scheme: redirect.scheme.map(str::to_owned),
            host: redirect.host.map(str::to_owned),
            port: redirect.port,
            path: redirect.path.map(|path| rewrite(&path)),
        },
        ActionView::Respond(respond) => plan::Action::Respond {
            status: respond.status,
            body: respond.body.to_owned(),
            content_type: respond.content_type.to_owned(),
        },
    }
}

fn rewrite(rewrite: &Rewrite<'_>) -> plan::PathRewrite {
    plan::PathRewrite {
        parts: rewrite
            .parts()
            .map(|part| match part {
                Part::Literal(text) => plan::RewritePart::Literal {
                    text: text.to_owned(),
                },
                Part::Segment(index) => plan::RewritePart::Segment { index },
            })
            .collect(),
        rest_from: rewrite.rest_from(),
    }
}
