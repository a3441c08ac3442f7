//! An answer as text for people.

use std::fmt;

use weft_front::words;
use weft_snapshot::limits::KEEP_ALIVE_MILLIS;

use super::answer::{
    ActionAnswer, Answer, BackendAnswer, Candidate, Hop, Overridden, Permission, RefusalAnswer,
    RouteAnswer,
};

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.request)?;
        for hop in &self.hops {
            write!(formatter, "{hop}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            node,
            listener,
            host,
            bound: _,
            headers,
            beats,
            candidates,
            why_not,
            allowed_by,
            route,
            refusal,
        } = self;
        write!(formatter, "\n{node}, listener {listener}")?;
        match host {
            Some(host) if host != "*" => writeln!(formatter, ", host {host}")?,
            Some(_) | None => writeln!(formatter)?,
        }
        if !beats.is_empty() {
            writeln!(formatter, "  beats     host {}", beats.join(", "))?;
        }
        for header in headers {
            writeln!(formatter, "  header    {header}")?;
        }
        if let Some(Permission {
            id,
            identity,
            place,
        }) = allowed_by
        {
            write!(formatter, "  allowed   {id} for {identity}")?;
            end(formatter, place.as_deref())?;
        }
        if let Some(route) = route {
            self::route(formatter, route)?;
        }
        for (what, other) in candidates
            .iter()
            .map(|one| ("not", one))
            .chain(why_not.iter().map(|one| ("why not", one)))
        {
            let Candidate {
                id,
                place,
                matches,
                why,
            } = other;
            write!(formatter, "  {what:8}  {id} ({matches}): {why}")?;
            end(formatter, place.as_deref())?;
        }
        if let Some(RefusalAnswer {
            status,
            reason,
            explanation,
        }) = refusal
        {
            writeln!(formatter, "  refused   {status} {reason}: {explanation}")?;
        }
        Ok(())
    }
}

fn route(formatter: &mut fmt::Formatter<'_>, route: &RouteAnswer) -> fmt::Result {
    let RouteAnswer {
        id,
        place,
        outcome: _,
        matches,
        action,
        settings,
        repeats,
    } = route;
    write!(formatter, "  route     {id}")?;
    end(formatter, place.as_deref())?;
    writeln!(formatter, "  matches   {matches}")?;
    self::action(formatter, action)?;
    for setting in settings {
        write!(formatter, "  {} {}", setting.name, setting.value)?;
        end(
            formatter,
            Some(setting.place.as_deref().unwrap_or("built in")),
        )?;
        for Overridden {
            level,
            value,
            place,
        } in &setting.over
        {
            writeln!(
                formatter,
                "            over {value} of the {level}  ({place})"
            )?;
        }
    }
    match repeats {
        Some(less) => writeln!(formatter, "            {less}"),
        None => Ok(()),
    }
}

fn action(formatter: &mut fmt::Formatter<'_>, action: &ActionAnswer) -> fmt::Result {
    match action {
        ActionAnswer::Forward {
            backends,
            path,
            host,
        } => {
            for one in backends {
                backend(formatter, one, host.is_none())?;
            }
            writeln!(
                formatter,
                "  as        {}{path}",
                host.as_deref().unwrap_or_default()
            )?;
        }
        ActionAnswer::Redirect {
            status,
            scheme,
            host,
            port,
            path,
        } => {
            let named = [
                scheme.as_ref().map(|scheme| format!("scheme {scheme}")),
                host.as_ref().map(|host| format!("host {host}")),
                port.map(|port| format!("port {port}")),
                path.as_ref().map(|path| format!("path {path}")),
            ];
            let named: Vec<String> = named.into_iter().flatten().collect();
            writeln!(formatter, "  redirect  {status} to {}", named.join(", "))?;
        }
        ActionAnswer::Respond { status } => writeln!(formatter, "  answer    {status}")?,
    }
    Ok(())
}

/// A line about a backend; with the host that it sees where that is not said for all of them.
fn backend(
    formatter: &mut fmt::Formatter<'_>,
    backend: &BackendAnswer,
    has_own_host: bool,
) -> fmt::Result {
    write!(
        formatter,
        "  to        {} {} ({}, {}",
        backend.share, backend.cluster, backend.security, backend.endpoints
    )?;
    if let Some(seen) = backend.host.as_ref().filter(|_| has_own_host) {
        write!(formatter, ", host {seen}")?;
    }
    if backend.keep_alive != words::keep_alive(KEEP_ALIVE_MILLIS) {
        write!(formatter, ", {}", backend.keep_alive)?;
    }
    writeln!(formatter, ")")
}

fn end(formatter: &mut fmt::Formatter<'_>, place: Option<&str>) -> fmt::Result {
    match place {
        Some(place) => writeln!(formatter, "  ({place})"),
        None => writeln!(formatter),
    }
}
