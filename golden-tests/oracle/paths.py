"""Paths: what a proxy reads of a target, and which paths a pattern has.

Written from `docs/requests.md`, section "Path". A canonical path is a text; a pattern is a `Pattern`.
"""

import re
from functools import lru_cache
from itertools import product

UNRESERVED = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
ESCAPED = set('"<>[]^`{|}')


class Refused(Exception):
    """A target that the proxy answers with 400; the argument is the reason."""


def _unescaped(raw, keeps_escaped_slashes):
    """The path with escapes in their one form."""
    out = []
    at = 0
    while at < len(raw):
        letter = raw[at]
        if letter == "%":
            digits = raw[at + 1 : at + 3]
            if not re.fullmatch(r"[0-9A-Fa-f]{2}", digits):
                raise Refused("bad-path")
            byte = chr(int(digits, 16))
            if byte == "\\" or ord(byte) == 0:
                raise Refused("bad-path")
            if byte == "/" and not keeps_escaped_slashes:
                raise Refused("escaped-slash")
            out.append(byte if byte in UNRESERVED else "%" + digits.upper())
            at += 3
            continue
        if letter == "\\" or ord(letter) < 0x21 or ord(letter) == 0x7F:
            raise Refused("bad-path")
        out.append(f"%{ord(letter):02X}" if letter in ESCAPED else letter)
        at += 1
    return "".join(out)


def canonical(target, slashes="merge", refuses_dots=False, keeps_escaped_slashes=False):
    """The path that rules look at, of a target as it was sent; `Refused` where that is 400."""
    raw = target.split("?", 1)[0]
    if not raw.startswith("/"):
        raise Refused("bad-path")
    text = _unescaped(raw, keeps_escaped_slashes)
    segments = text[1:].split("/")
    if refuses_dots and any(segment in (".", "..") for segment in segments):
        raise Refused("unnormalized-path")
    if slashes == "refuse" and "" in segments[:-1]:
        raise Refused("unnormalized-path")
    kept = []
    last = len(segments) - 1
    for index, segment in enumerate(segments):
        if segment == "." or segment == "..":
            if segment == "..":
                if not kept:
                    raise Refused("climbing-path")
                kept.pop()
            if index == last:
                kept.append("")
            continue
        if segment == "" and index != last and slashes == "merge":
            continue
        kept.append(segment)
    return "/" + "/".join(kept)


class Pattern:
    """A path of the language: `/a`, `/a/**`, `/a/{id}` or an expression."""

    def __init__(self, written):
        self.regex = None
        self.rest = False
        self.segments = []
        if isinstance(written, dict):
            self.text = "regex:" + written["regex"]
            self.regex = re.compile(written["regex"])
            return
        self.text = written
        body = written
        if body.endswith("/**"):
            self.rest = True
            body = body[:-3]
            self.segments = body[1:].split("/") if body else []
        else:
            self.segments = body[1:].split("/")

    @property
    def key(self):
        """The same for patterns that differ in the names of their segments alone."""
        return re.sub(r"\{[^/]*\}", "{}", self.text) if self.regex is None else self.text

    def has(self, path):
        """Whether the canonical path is one of the pattern's."""
        return self.bindings(path) is not None

    def bindings(self, path):
        """The segments that names stand for, with `**` for what the rest took; None if it is not one of these."""
        if self.regex is not None:
            return {} if self.regex.fullmatch(path) else None
        given = path[1:].split("/")
        if len(given) < len(self.segments) or (not self.rest and len(given) != len(self.segments)):
            return None
        bound = {}
        for wanted, segment in zip(self.segments, given):
            if wanted.startswith("{"):
                if segment == "":
                    return None
                bound[wanted[1:-1]] = segment
            elif wanted != segment:
                return None
        if self.rest:
            bound["**"] = path[len("/" + "/".join(given[: len(self.segments)])) :] if self.segments else path
        return bound


@lru_cache(maxsize=4096)
def _pattern(kind, text):
    return Pattern({"regex": text} if kind == "regex" else text)


def pattern(written):
    """The pattern of what a spec says; all paths where it says nothing."""
    if written is None:
        return _pattern("plain", "/**")
    if isinstance(written, dict):
        return _pattern("regex", written["regex"])
    return _pattern("plain", written)


FILLS = ("a", "b", "z")


def asked(pattern, template, onward):
    """Paths of a pattern that a rewrite makes into this one; of what it drops, some segments stand for all."""
    if pattern.regex is not None:
        return
    keeps = template.endswith("/**")
    body = template[:-3] if keeps else template
    parts = body[1:].split("/") if body else []
    given = onward[1:].split("/")
    bound = {part[1:-1]: segment for part, segment in zip(parts, given) if part.startswith("{")}
    rest = "".join("/" + segment for segment in given[len(parts) :])
    rests = {rest, ""} if keeps else {"", "/", "/a", "/z"}
    free = [part[1:-1] for part in pattern.segments if part.startswith("{") and part[1:-1] not in bound]
    for chosen in product(FILLS, repeat=len(free)):
        names = {**bound, **dict(zip(free, chosen))}
        head = "".join("/" + (names[part[1:-1]] if part.startswith("{") else part) for part in pattern.segments)
        for path in sorted({head + (rest if pattern.rest else "") for rest in rests}):
            found = pattern.bindings(path or "/")
            if found is not None and rewritten(template, found) == onward:
                yield path or "/"


def rewritten(template, bound):
    """The new path that a rewrite or a redirect makes, of what the rule's path bound."""
    rest = template.endswith("/**")
    body = template[:-3] if rest else template
    made = re.sub(r"\{([^}/]+)\}", lambda found: bound[found.group(1)], body)
    if rest:
        made += bound.get("**", "")
    return made or "/"
