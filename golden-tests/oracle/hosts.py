"""Hosts: what a proxy reads of `Host`, which hosts a pattern has, and which pattern owns a host."""

import ipaddress
import re


def canonical(sent):
    """In lower case, without port and without a dot at the end; None where that is 400."""
    host = sent
    if host.startswith("["):
        inner, bracket, port = host[1:].partition("]")
        if not bracket or (port and not re.fullmatch(r":[0-9]*", port)):
            return None
        try:
            return f"[{ipaddress.IPv6Address(inner).compressed}]"
        except ValueError:
            return None
    name, colon, port = host.partition(":")
    if colon and not re.fullmatch(r"[0-9]*", port):
        return None
    name = name.lower().removesuffix(".")
    return name if re.fullmatch(r"[a-z0-9._-]+", name) else None


def has(pattern, host):
    """Whether a host is one of the pattern's; the empty one belongs to `*` alone."""
    if pattern == "*":
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern


def rank(pattern):
    """How specific a pattern is: an exact one before the longest suffix, `*` last."""
    if pattern == "*":
        return (0, 0)
    if pattern.startswith("*."):
        return (1, len(pattern))
    return (2, 0)


def best(patterns, host):
    """The pattern that owns the host, or None."""
    fitting = [pattern for pattern in patterns if has(pattern, host)]
    return max(fitting, key=rank) if fitting else None


def covers(outer, inner):
    """Whether every host of `inner` is one of `outer`."""
    if outer == "*":
        return True
    if inner == "*":
        return False
    if outer.startswith("*."):
        if inner.startswith("*."):
            return inner[1:].endswith(outer[1:])
        return has(outer, inner)
    return outer == inner
