"""Conditions of rules on headers and parameters, for the requests of the manual's page.

A condition takes a request, refuses it (a header of one line that came in several), or leaves it.
"""

import re
from urllib.parse import unquote_to_bytes

TAKES, REFUSES, LEAVES = "takes", "refuses", "leaves"

LISTS = set(
    """a-im accept accept-charset accept-encoding accept-language accept-signature access-control-request-headers
    allow alpn baggage cache-control cdn-loop client-cert-chain connection content-digest content-encoding
    content-language dav expect forwarded grpc-accept-encoding if-match if-none-match link pragma prefer priority
    repr-digest sec-websocket-extensions sec-websocket-protocol signature signature-input te tracestate trailer
    upgrade vary via want-content-digest want-repr-digest warning x-forwarded-for""".split()
)


class Repeated:
    """The value of a header that should have one line and has several."""


REPEATED = Repeated()


def header_value(headers, name):
    """The value that rules see: None if absent, `REPEATED` if it has none."""
    lines = [value for key, value in headers if key.lower() == name]
    if not lines:
        return None
    if len(lines) == 1:
        return lines[0]
    if name == "cookie":
        return "; ".join(lines)
    if name in LISTS:
        return ", ".join(lines)
    return REPEATED


def query_value(target, name):
    """The first of the parameters of this name, decoded."""
    _, mark, query = target.partition("?")
    if not mark:
        return None
    for part in query.split("&"):
        key, _, value = part.partition("=")
        if _decoded(key) == name:
            return _decoded(value)
    return None


def _decoded(text):
    return unquote_to_bytes(text.replace("+", " ")).decode("latin-1")


def holds(test, value):
    """What one condition says of one value."""
    if isinstance(test, dict):
        if test.get("present"):
            return TAKES if value is not None else LEAVES
        if test.get("absent"):
            return TAKES if value is None else LEAVES
        if value is None:
            return LEAVES
        if value is REPEATED:
            return REFUSES
        return TAKES if re.fullmatch(test["regex"], value, re.DOTALL) else LEAVES
    if value is None:
        return LEAVES
    if value is REPEATED:
        return REFUSES
    return TAKES if value == written(test) else LEAVES


def written(test):
    """A plain value as text; YAML may have read a number or a boolean."""
    if isinstance(test, bool):
        return "true" if test else "false"
    return str(test)
