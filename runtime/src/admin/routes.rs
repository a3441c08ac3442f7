//! Which page answers which request.

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use super::metrics::Collector;
use super::{Door, guard, pages};
use crate::control::Command;

const JSON: &str = "application/json";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PATHS: [&str; 6] = [
    "/live",
    "/ready",
    "/snapshot",
    "/endpoints",
    "/metrics",
    "/drain",
];

/// All pages.
#[derive(Debug)]
pub(super) struct Pages {
    door: Arc<Door>,
    collector: Collector,
}

/// One answer.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) allow: &'static str,
    pub(super) body: String,
}

impl Pages {
    pub(super) fn new(door: Arc<Door>, collector: Collector) -> Self {
        Self { door, collector }
    }

    /// The answer to `method` on `path`.
    pub(super) fn page(&self, method: &Method, path: &str, headers: &HeaderMap) -> Page {
        let is_read = method == Method::GET || method == Method::HEAD;
        match path {
            "/drain" if method != Method::POST => not_allowed("POST"),
            "/drain" => match guard::check_changer(headers) {
                Ok(()) => self.drain(),
                Err(refusal) => forbidden(refusal),
            },
            _ if !PATHS.contains(&path) => of_json(
                StatusCode::NOT_FOUND,
                &json!({"error": "no such page", "pages": PATHS}),
            ),
            _ if !is_read => not_allowed("GET, HEAD"),
            "/live" => of_json(StatusCode::OK, &json!({"live": true})),
            "/ready" => {
                let (is_ready, body) = pages::ready(&self.door);
                let status = if is_ready {
                    StatusCode::OK
                } else {
                    StatusCode::SERVICE_UNAVAILABLE
                };
                of_json(status, &body)
            }
            "/snapshot" => of_json(StatusCode::OK, &pages::snapshot(&self.door)),
            "/endpoints" => of_json(StatusCode::OK, &pages::endpoints(&self.door)),
            _ => self.metrics(),
        }
    }

    fn drain(&self) -> Page {
        // A full queue has orders that end the same way or sooner.
        let _full = self.door.commands.try_send(Command::Drain);
        of_json(StatusCode::ACCEPTED, &json!({"draining": true}))
    }

    fn metrics(&self) -> Page {
        match self.collector.text() {
            Ok(body) => Page {
                status: StatusCode::OK,
                content_type: OPEN_METRICS,
                allow: "",
                body,
            },
            Err(error) => of_json(
                StatusCode::INTERNAL_SERVER_ERROR,
                &json!({"error": error.to_string()}),
            ),
        }
    }
}

fn not_allowed(allow: &'static str) -> Page {
    let body = json!({"error": "method not allowed", "allow": allow});
    Page {
        allow,
        ..of_json(StatusCode::METHOD_NOT_ALLOWED, &body)
    }
}

pub(super) fn forbidden(refusal: guard::Rejection) -> Page {
    of_json(StatusCode::FORBIDDEN, &json!({"error": refusal}))
}

fn of_json(status: StatusCode, body: &Value) -> Page {
    Page {
        status,
        content_type: JSON,
        allow: "",
        body: format!("{body:#}\n"),
    }
}
