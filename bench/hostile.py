#!/usr/bin/env python3
"""Times `weft check` on specs that were written to be slow, each in a process of its own.

    cargo build --profile dist --bin weft
    python3 bench/hostile.py                      every spec, one line each
    python3 bench/hostile.py tags headers         those whose name contains a word
    python3 bench/hostile.py --weft PATH ...      another executable
    python3 bench/hostile.py request              what one request costs at 2,000 expressions on a header

A line is: name, bytes, seconds of all threads together (so that other work on the machine does not count), MiB at the most, exit code, findings, the first of them. What takes more
than 5 s or 512 MiB is marked, and then the script fails. A run is ended after 9 s of
work or at 4 GiB.
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time

SECONDS, MIB = 5.0, 512
LONGEST = 9
FULL = 8 << 20

HEAD = """weft: v1
mesh: {name: bench, trustDomain: bench.example, defaults: {timeout: {request: 15s}}}
gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}
services: {origin: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:21000"]}}
"""
ROUTES = HEAD + "routes:\n  a:\n    on: public/web\n    host: a.test\n    rules:\n"
HOLDS = "weft: v1\n"


def fill(head, line, size=FULL):
    """A head and as many lines as fit; `line` takes a number."""
    parts, length, number = [head], len(head), 0
    while True:
        text = line(number)
        length += len(text.encode())
        if size < length:
            return "".join(parts)
        parts.append(text)
        number += 1


def times(head, line, count):
    return head + "".join(line(number) for number in range(count))


def wrapped(head, line, tail):
    return fill(head, line, FULL - len(tail)) + tail


def specs():
    """Name and text of every spec; those of the full size fill 8 MiB."""
    # What a parser meets.
    yield "tags on a line, 20,000", HOLDS + "services: [" + "!a 1," * 20_000 + "]\n"
    yield "tags on a line, full", wrapped(HOLDS + "services: [", lambda n: "!a 1,", "]\n")
    yield "tags on lines, full", fill(HOLDS + "services:\n", lambda n: f"  s{n}: !a 1\n")
    yield "anchors, full", fill(HOLDS + "services:\n", lambda n: f"  s{n}: &a 1\n")
    yield "aliases, full", wrapped(HOLDS + "services: [", lambda n: "*a,", "]\n")
    yield "merge keys, full", fill(HOLDS + "services:\n", lambda n: "  <<: 1\n")
    yield "unknown keys, 40,000", times(HOLDS, lambda n: f"key{n}: 1\n", 40_000)
    yield "unknown keys, full", fill(HOLDS, lambda n: f"key{n}: 1\n")
    yield "unknown keys on a line, full", wrapped(HOLDS + "services: {a: {", lambda n: f"k{n}: 1, ", "}}\n")
    yield "a long unknown key, full", HOLDS + "k" * (FULL - 100) + ": 1\n"
    yield "long unknown keys, full", fill(HOLDS, lambda n: f"{n:01000}: 1\n")
    yield "one key many times, full", fill(HOLDS, lambda n: "k: 1\n")
    yield "wrong values, full", fill(HOLDS + "services:\n", lambda n: f"  s{n}: 1\n")
    yield "wrong values in depth, full", fill(HOLDS + "services:\n", lambda n: f"  s{n}: {{timeout: {{request: x}}}}\n")
    yield "documents, full", fill("", lambda n: "---\nweft: v1\n")
    yield "broken documents, full", fill("", lambda n: "---\na: [\n")
    yield "empty documents, full", fill("", lambda n: "---\n")
    yield "open brackets, full", "a: " + "[" * (FULL - 10)
    yield "elements, full", wrapped(HOLDS + "services: [", lambda n: "1,", "]\n")
    yield "elements of nothing, full", HOLDS + "services: [" + "[],"*((FULL-30)//3) + "]\n"
    yield "keys without a value, full", wrapped(HOLDS + "services: {", lambda n: f"{n},", "}\n")
    yield "question marks, full", fill(HOLDS, lambda n: "? a\n")
    yield "colons, full", HOLDS + ":" * (FULL - 20)
    yield "dashes, full", HOLDS + "a: " + "- " * ((FULL - 20) // 2)
    yield "quotes, full", HOLDS + 'a: "' + "\\n" * ((FULL - 20) // 2) + '"\n'
    yield "spaces, full", HOLDS + "a: 1" + " " * (FULL - 40) + "\n"
    yield "tabs, full", HOLDS + "a:\t" + "\t" * (FULL - 40) + "\n"
    yield "line feeds, full", HOLDS + "\n" * (FULL - 40)
    yield "line feeds and an error, full", HOLDS + "a: 1\n" + "\n" * (FULL - 40) + "b: 1"
    yield "comments, full", HOLDS + "#\n" * ((FULL - 40) // 2)
    yield "a block scalar, full", fill(HOLDS + "a: |\n", lambda n: "  x\n")
    yield "a folded scalar, full", fill(HOLDS + "a: >\n", lambda n: "  x\n")
    yield "a plain scalar of lines, full", fill(HOLDS + "a: x\n", lambda n: "  x\n")
    yield "control bytes, full", HOLDS + 'a: "' + "\\x1b" * ((FULL - 30) // 4) + '"\n'
    yield "bytes of four, full", HOLDS + "a: " + "\U0001F980" * ((FULL - 40) // 4) + "\n"
    # Expressions.
    yield "minus signs, 4,000", HEAD + 'x: "{{ ' + "-" * 4_000 + '1 }}"\n'
    yield "minus signs, 30,000", HEAD + 'x: "{{ ' + "-" * 30_000 + '1 }}"\n'
    yield "parentheses, 4,000", HEAD + 'x: "{{ ' + "(" * 2_000 + "1" + ")" * 2_000 + ' }}"\n'
    yield "nots, 4,000", HEAD + 'x: "{{ ' + "not " * 1_000 + 'true }}"\n'
    yield "filters, 4,000", HEAD + 'x: "{{ 1' + "|abs" * 1_000 + ' }}"\n'
    yield "conditions, 4,000", HEAD + 'x: "{{ ' + "1 if 1 else " * 330 + '1 }}"\n'
    yield "sums, 4,000", HEAD + 'x: "{{ 1' + "+1" * 2_000 + ' }}"\n'
    yield "lists, 4,000", HEAD + 'x: "{{ ' + "[" * 2_000 + "]" * 2_000 + '|length }}"\n'
    yield "attributes, 4,000", HEAD + 'x: "{{ a' + ".a" * 2_000 + ' }}"\n'
    yield "expressions, full", fill(HEAD + "x:\n", lambda n: '  - "{{ 1 }}"\n')
    yield "expressions on a line, full", wrapped(HEAD + "x: [", lambda n: '"{{ 1 }}",', "]\n")
    yield "unknown values, full", fill(HEAD + "x:\n", lambda n: f'  - "{{{{ a{n} }}}}"\n')
    yield "dear expressions, full", fill(HEAD + "x:\n", lambda n: "  - \"{{ ('a' * 9999) | replace('a', 'bb') | length }}\"\n")
    yield "dear joins, full", fill(HEAD + "x:\n", lambda n: "  - \"{{ ('a' * 60000 ~ 'a' * 60000) | upper }}\"\n")
    yield "braces, full", HEAD + "x: '" + "{{" * ((FULL - 500) // 2) + "'\n"
    yield "braces in small texts, full", fill(HEAD + "x:\n", lambda n: "  - '" + "{{ { " * 200 + "'\n")
    # Routes.
    rule = lambda rest: (lambda n: f"      - {{{rest(n)}, to: origin}}\n")
    yield "routes, full", fill(ROUTES, rule(lambda n: f"path: /p{n}"))
    yield "routes below each other, full", fill(ROUTES, rule(lambda n: f"path: /{'a/' * (n % 60)}p{n}/**"))
    yield "the same route, full", fill(ROUTES, rule(lambda n: "path: /p"))
    yield "any segments, full", fill(ROUTES, rule(lambda n: "path: \"/" + "/".join("{x}" if n >> bit & 1 else "a" for bit in range(17)) + f"/p{n}\""))
    yield "any segments crossed, 1,000", times(ROUTES, rule(lambda n: "path: \"/" + "/".join("{x}" if n >> bit & 1 else "a" for bit in range(10)) + "\""), 1_000)
    yield "any segments crossed, full", fill(ROUTES, rule(lambda n: "path: \"/" + "/".join("{x}" if n >> bit & 1 else "a" for bit in range(17)) + "\""))
    yield "exact headers of a path, 4,000", times(ROUTES, rule(lambda n: f'path: /a, headers: {{x-v: "{n}"}}'), 4_000)
    yield "exact headers of a path, full", fill(ROUTES, rule(lambda n: f'path: /a, headers: {{x-v: "{n}"}}'))
    yield "header names of a path, 4,000", times(ROUTES, rule(lambda n: f'path: /a, headers: {{x-{n}: "1"}}, priority: {n}'), 4_000)
    yield "header names of a path, full", fill(ROUTES, rule(lambda n: f'path: /a, headers: {{x-{n}: "1"}}, priority: {n}'))
    yield "conditions of one route, full", wrapped(ROUTES + "      - {path: /a, to: origin, headers: {", lambda n: f'x-{n}: "1", ', "}}\n")
    yield "header regexes of a path, 2,000", times(ROUTES, rule(lambda n: f'path: /a, headers: {{x-v: {{regex: "a{n}[0-9]+"}}}}'), 2_000)
    yield "header regexes of a path, full", fill(ROUTES, rule(lambda n: f'path: /a, headers: {{x-v: {{regex: "a{n}[0-9]+"}}}}'))
    yield "header regexes of paths, full", fill(ROUTES, rule(lambda n: f'path: /a{n}, headers: {{x-v: {{regex: "a{n}[0-9]+"}}}}'))
    yield "large header regexes, full", fill(ROUTES, rule(lambda n: f'path: /a{n}, headers: {{x-v: {{regex: "(a|b)*a(a|b){{10}}{n}"}}}}'))
    yield "path regexes of a host, 2,000", times(ROUTES, rule(lambda n: f'path: {{regex: "/a{n}/[0-9]+"}}'), 2_000)
    yield "path regexes of a host, full", fill(ROUTES, rule(lambda n: f'path: {{regex: "/a{n}/[0-9]+"}}'))
    yield "path regexes that overlap, 500", times(ROUTES, rule(lambda n: f'path: {{regex: ".*a{n}.*"}}'), 500)
    yield "path regexes that overlap, full", fill(ROUTES, rule(lambda n: f'path: {{regex: ".*a{n}.*"}}'))
    yield "large path regexes, full", fill(ROUTES, rule(lambda n: f'path: {{regex: "/(a|b)*a(a|b){{10}}{n}"}}'))
    yield "a long regex, full", ROUTES + '      - {path: {regex: "/' + "a" * (FULL - 600) + '"}, to: origin}\n'
    yield "alternatives of a regex, full", wrapped(ROUTES + '      - {path: {regex: "/(', lambda n: f"a{n}|", 'b)"}, to: origin}\n')
    yield "groups of a regex, 4,000", ROUTES + '      - {path: {regex: "/' + "(" * 4_000 + "a" + ")" * 4_000 + '"}, to: origin}\n'
    yield "queries of a path, full", fill(ROUTES, rule(lambda n: f'path: /a, query: {{v: "{n}"}}'))
    yield "methods of a path, full", fill(ROUTES, rule(lambda n: f"path: /a, methods: [M{n}]"))
    yield "methods of one route, full", wrapped(ROUTES + "      - {path: /a, to: origin, methods: [", lambda n: f"M{n}, ", "]}\n")
    yield "priorities of a path, full", fill(ROUTES, rule(lambda n: f"path: /a, priority: {n}"))
    yield "names, full", fill(ROUTES, rule(lambda n: f"path: /a{n}, name: n"))
    yield "header changes, full", wrapped(ROUTES + "      - {path: /a, to: origin, requestHeaders: {set: {", lambda n: f"x-{n}: a, ", "}}}\n")
    yield "backends of one route, full", wrapped(ROUTES + "      - {path: /a, to: {", lambda n: f"s{n}: 1%, ", "}}\n")
    yield "redirects in a row, full", fill(ROUTES, lambda n: f"      - {{path: /a{n}, redirect: {{path: /a{n + 1}}}}}\n")
    yield "rewrites, full", fill(ROUTES, lambda n: f"      - {{path: /a{n}/**, to: origin, rewrite: {{path: /b{n}/**}}}}\n")
    hosts = HEAD + "routes:\n"
    route = lambda host: (lambda n: f"  r{n}: {{on: public/web, host: {host(n)}, rules: [{{path: /, to: origin}}]}}\n")
    yield "hosts, full", fill(hosts, route(lambda n: f"h{n}.test"))
    yield "wildcard hosts, full", fill(hosts, route(lambda n: f'"*.h{n}.test"'))
    yield "wildcards below each other, full", fill(hosts, route(lambda n: '"*.' + "a." * (n % 100) + f'h{n // 100}.test"'))
    yield "one host in many routes, full", fill(hosts, route(lambda n: "a.test"))
    yield "listeners, full", fill(HEAD.replace("{web: {port: 8080, protocol: http}}", "{web: {port: 8080, protocol: http}, " + ", ".join(f"l{n}: {{port: {n % 60000 + 1}, protocol: http}}" for n in range(150_000)) + "}"), lambda n: "#\n", 100)
    yield "gateways, full", fill("weft: v1\nmesh: {name: bench, trustDomain: bench.example}\ngateways:\n", lambda n: f"  g{n}: {{listeners: {{web: {{port: {n % 60000 + 1}, protocol: http}}}}}}\n")
    # Services.
    services = "weft: v1\nmesh: {name: bench, trustDomain: bench.example, defaults: {timeout: {request: 15s}}}\nservices:\n"
    service = lambda rest: (lambda n: f'  s{n}: {{protocol: http, app: "127.0.0.1:80", endpoints: ["10.0.0.1:{n % 60000 + 1}"], {rest(n)}}}\n')
    yield "services, full", fill(services, service(lambda n: ""))
    yield "services in a row, full", fill(services, service(lambda n: f"calls: {{s{n + 1}: {{}}}}, allow: [{{from: [service/s{n - 1}]}}]"))
    yield "services that call many, full", fill(services, service(lambda n: "calls: {" + ", ".join(f"s{(n * 7 + k) % 3000}: {{}}" for k in range(200)) + "}"))
    yield "services in a circle, full", fill(services, service(lambda n: f"calls: {{s{(n + 1) % 20_000}: {{retry: {{attempts: 3}}}}, s{(n * 7 + 1) % 20_000}: {{retry: {{attempts: 3}}}}}}"))
    yield "unknown services, full", fill(services, service(lambda n: f"calls: {{x{n}: {{}}}}"))
    yield "endpoints of one service, full", wrapped(services + '  s: {protocol: http, app: "127.0.0.1:80", endpoints: [', lambda n: f'"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}:80",', "]}\n")
    one = lambda field: services + f'  c: {{protocol: http, app: "127.0.0.1:80", endpoints: ["10.0.0.1:15443"]}}\n  s:\n    protocol: http\n    app: "127.0.0.1:80"\n    endpoints: ["10.0.0.1:80"]\n    {field}:\n'
    yield "permissions, full", fill(one("allow"), lambda n: f"      - {{from: [service/c], path: /a{n}}}\n")
    yield "permissions that overlap, full", fill(one("allow"), lambda n: "      - {from: [service/c], path: \"/" + "/".join("{x}" if n >> bit & 1 else "a" for bit in range(10)) + f"/p{n}/**\"}}\n")
    yield "permissions with regexes, full", fill(one("allow"), lambda n: f'      - {{from: [service/c], path: {{regex: "/a{n}[0-9]+"}}}}\n')
    yield "denials, full", fill(one("deny"), lambda n: f"      - {{from: [service/c], path: /a{n}}}\n")
    yield "versions of one service, full", fill(one("versions"), lambda n: f'      v{n}: {{endpoints: ["10.0.0.1:80"]}}\n')
    yield "rules of one service, full", fill(one("rules"), lambda n: f"      - {{path: /a{n}, timeout: {{request: 1s}}}}\n")
    yield "operations of a call, full", wrapped(services + '  b: {protocol: http, app: "127.0.0.1:80", endpoints: ["10.0.0.1:15443"], allow: [{from: [service/s], path: /a}]}\n  s: {protocol: http, app: "127.0.0.1:80", endpoints: ["10.0.0.1:80"], calls: {b: {operations: [', lambda n: f"GET /a{n}, ", "]}}}\n")
    # What the platform writes.
    yield "globs of a team, full", HEAD.replace("}}\ngateways", "}, teams: {t: {files: [" + ", ".join(f"'a{n}/**/b*c'" for n in range(450_000)) + "]}}}\ngateways")
    yield "a glob of stars, full", HEAD.replace("}}\ngateways", "}, teams: {t: {files: ['" + "*a" * (FULL // 2 - 400) + "']}}}\ngateways")
    yield "guardrails, full", HEAD.replace("}}\ngateways", "}, guardrails: [" + ", ".join("{bound: timeout.request, max: 30s, why: a}" for n in range(170_000)) + "]}\ngateways")
    simple = ROUTES + "      - {path: /a, to: origin}\n"
    thousand = times(ROUTES, rule(lambda n: f"path: /p{n}"), 1_000)
    region = "{listener: public/web, host: a.test, path: /a}"
    yield "assertions about calls, full", fill(simple + "assert:\n", lambda n: f"  - {{name: n{n}, never: {{from: internet, to: origin}}}}\n")
    yield "assertions about routes, full", fill(thousand + "assert:\n", lambda n: f"  - {{name: n{n}, always: {{for: {{host: a.test, path: /p{n % 1000}}}, to: [origin]}}}}\n")
    yield "assertions about all routes, full", fill(thousand + "assert:\n", lambda n: f"  - {{name: n{n}, always: {{for: {{host: a.test}}, to: [origin]}}}}\n")
    yield "assertions with exceptions, full", wrapped(simple + "assert: [{name: n, total: {host: a.test, except: [", lambda n: f"{{path: /a{n}}}, ", "]}}]\n")
    yield "bounds, full", fill(thousand + "assert:\n", lambda n: f"  - {{name: n{n}, bound: {{for: {{host: a.test}}, timeout: 20s}}}}\n")
    yield "tests, full", fill(simple + "tests:\n", lambda n: f"  - {{name: n{n}, request: GET http://a.test/a, expect: {{backend: origin}}}}\n")
    yield "tests of regions, full", fill(thousand + "tests:\n", lambda n: f"  - {{name: n{n}, forall: {region}, expect: {{backend: origin}}}}\n")
    dead = times(ROUTES + "      - {path: /a/**, to: origin, priority: 9}\n", rule(lambda n: f"path: /a/{n}"), 20_000)
    suppression = lambda place: (lambda n: f"  - {{code: dead-route, at: {place(n)}, reason: a, owner: platform, until: 2027-01-01}}\n")
    yield "suppressions of one place, full", fill(dead + "suppressions:\n", suppression(lambda n: "{route: a}"))
    yield "suppressions of hosts, full", fill(dead + "suppressions:\n", suppression(lambda n: "{host: a.test}"))
    yield "suppressions of nothing, full", fill(simple + "suppressions:\n", suppression(lambda n: f"{{route: x{n}}}"))
    yield "dead routes, full", fill(ROUTES + "      - {path: /a/**, to: origin, priority: 9}\n", rule(lambda n: f"path: /a/{n}"))
    yield "teams, full", fill(HEAD.replace("}}\ngateways", "}, teams: {" + ", ".join(f"t{n}: {{files: [a{n}/**]}}" for n in range(250_000)) + "}}\ngateways"), lambda n: "#\n", 100)
    yield "guardrails and services, full", fill(HEAD.replace("}}\ngateways", "}, guardrails: [" + ", ".join("{bound: timeout.request, max: 30s, why: a}" for n in range(50_000)) + "]}\ngateways").replace('{origin: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:21000"]}}', ""), lambda n: f'  s{n}: {{protocol: http, mtls: disabled, endpoints: ["127.0.0.1:{n % 60000 + 1}"]}}\n')
    yield "exemptions of a guardrail, full", HEAD.replace("}}\ngateways", "}, guardrails: [{bound: timeout.request, max: 10s, why: a, exempt: [" + ", ".join("{at: {service: origin}, max: 30s, reason: a, owner: platform, until: 2027-01-01}" for n in range(100_000)) + "]}]}\ngateways")
    owned = HEAD.replace("}}\ngateways", "}, teams: {t: {files: ['*'], hosts: [" + ", ".join(f"h{n}.test" for n in range(100_000)) + "]}}}\ngateways")
    yield "hosts of a team, full", fill(owned + "routes:\n", route(lambda n: f"h{n}.test"))
    wild = HEAD.replace("}}\ngateways", "}, teams: {" + ", ".join(f't{n}: {{hosts: ["*.h{n}.test"]}}' for n in range(50_000)) + "}}\ngateways")
    yield "wildcards of teams, full", fill(wild + "routes:\n", route(lambda n: f"a.h{n}.test"))
    # Gateways.
    several = lambda count, of: HEAD.replace("{web: {port: 8080, protocol: http}}", "{web: {port: 8080, protocol: http}, " + ", ".join(of(n) for n in range(count)) + "}")
    yield "listeners with hosts on a port, full", fill(several(4_000, lambda n: f"l{n}: {{port: 81, protocol: http, hosts: [h{n}.test]}}") + "routes:\n", lambda n: f"  r{n}: {{on: public/l{n % 4_000}, host: h{n % 4_000}.test, rules: [{{path: /a{n}, to: origin}}]}}\n")
    yield "listeners with a host, full", several(130_000, lambda n: f"l{n}: {{port: 81, protocol: http, hosts: [h{n}.test]}}")
    yield "hosts of a listener, full", HEAD.replace("protocol: http}}", "protocol: http, hosts: [" + ", ".join(f"h{n}.test" for n in range(600_000)) + "]}}", 1) + "routes:\n  r: {on: public/web, host: '*', rules: [{path: /, to: origin}]}\n"
    yield "wildcards of a listener, full", HEAD.replace("protocol: http}}", "protocol: http, hosts: [" + ", ".join(f'"*.h{n}.test"' for n in range(450_000)) + "]}}", 1) + "routes:\n  r: {on: public/web, host: '*', rules: [{path: /, to: origin}]}\n"
    yield "wildcards and hosts, full", fill(times(hosts, route(lambda n: f'"*.w{n}.test"'), 4_000), lambda n: f"  s{n}: {{on: public/web, host: h{n}.test, rules: [{{path: /, to: origin}}]}}\n")
    yield "gateways with redirects, full", fill("weft: v1\nmesh: {name: bench, trustDomain: bench.example}\ngateways:\n", lambda n: f"  g{n}: {{listeners: {{web: {{port: {n % 60000 + 1}, protocol: http}}}}}}\n", FULL // 3) + fill("routes:\n", lambda n: f"  r{n}: {{on: g{n}/web, host: '*', rules: [{{path: /a, redirect: {{path: /b, port: {n % 60000 + 2}}}}}]}}\n", FULL // 3)
    yield "unknown listeners, full", fill("weft: v1\nmesh: {name: bench, trustDomain: bench.example}\ngateways:\n", lambda n: f"  g{n}: {{listeners: {{web: {{port: {n % 60000 + 1}, protocol: http}}}}}}\n", FULL // 2) + fill("routes:\n", lambda n: f"  r{n}: {{on: g{n}/wbe, host: '*', rules: [{{redirect: {{path: /b}}}}]}}\n", FULL // 2)
    yield "rules without an effect on hosts, full", fill(hosts, lambda n: f"  r{n}: {{on: public/web, host: h{n}.test, rules: [" + ", ".join(f'{{path: /a{k}/**, headers: {{x-v: "1"}}, to: origin}}' for k in range(100)) + ", {to: origin}]}\n")
    yield "exact headers of 18 paths, full", fill(ROUTES, rule(lambda n: f'path: /p{n // 8_000}, headers: {{x-v: "{n}"}}'))
    yield "exact headers of 18 hosts, full", fill(hosts, lambda n: f"  r{n}: {{on: public/web, host: h{n}.test, rules: [" + ", ".join(f'{{path: /a, headers: {{x-v: "{k}"}}, to: origin}}' for k in range(8_000)) + "]}\n")
    yield "conditions of hosts, full", fill(hosts, lambda n: f"  r{n}: {{on: public/web, host: h{n}.test, rules: [" + ", ".join("{path: /a, headers: {" + ", ".join(f"x-{bit}: {{{'present' if k * 7919 >> bit & 1 else 'absent'}: true}}" for bit in range(12) if (k * 31 + bit) % 3) + f"}}, priority: {k}, to: origin}}" for k in range(60)) + "]}\n")
    yield "redirects of hosts, full", fill(hosts, lambda n: f"  r{n}: {{on: public/web, host: h{n}.test, rules: [{{redirect: {{host: h{n + 1}.test}}}}]}}\n")
    yield "redirects to all hosts, full", fill(hosts + "  w: {on: public/web, host: '*', rules: [{to: origin}]}\n", lambda n: f"  r{n}: {{on: public/web, host: h{n}.test, rules: [{{redirect: {{path: /a}}}}]}}\n")
    yield "redirects in a circle, full", fill(ROUTES, lambda n: f"      - {{path: /a{n}/**, redirect: {{path: /a{n ^ 1}/**}}}}\n")
    yield "redirects below, full", fill(ROUTES + "      - {path: /b/**, to: origin}\n", lambda n: f"      - {{path: /a{n}/**, redirect: {{path: /b/a{n}/**}}}}\n")
    yield "redirects for a header, 4,000", times(ROUTES, lambda n: f'      - {{path: /a, headers: {{x-v: "{n}"}}, redirect: {{path: /b}}}}\n', 4_000) + "      - {path: /b, to: origin}\n"
    # Long texts.
    long = "a" * (FULL - 1_000)
    yield "a long host, full", HEAD + f"routes:\n  r: {{on: public/web, host: {long}.test, rules: [{{path: /, to: origin}}]}}\n"
    yield "a host of many labels, full", HEAD + "routes:\n  r: {on: public/web, host: '*." + "a." * (FULL // 2 - 500) + "test', rules: [{path: /, to: origin}]}\n"
    yield "a long path, full", ROUTES + f"      - {{path: /{long}, to: origin}}\n"
    yield "a path of many segments, full", ROUTES + f"      - {{path: {'/a' * (FULL // 2 - 500)}, to: origin}}\n"
    yield "a path of free segments, full", ROUTES + "      - {path: \"" + "/{a}" * (FULL // 4 - 500) + "\", to: origin}\n"
    yield "paths of 64 segments, full", fill(ROUTES, rule(lambda n: "path: \"" + "".join("/{x}" if (n * 2654435761) >> bit & 1 else "/a" for bit in range(60)) + f"/{n}\""))
    yield "a long name, full", HEAD + f"routes:\n  {long}: {{on: public/web, host: a.test, rules: [{{path: /, to: origin}}]}}\n"
    yield "a long unknown service, full", ROUTES + f"      - {{path: /a, to: {long}}}\n"
    yield "a long value, full", ROUTES + f"      - {{path: /a, headers: {{x-v: {long}}}, to: origin}}\n"
    yield "long values, full", fill(ROUTES, rule(lambda n: f"path: /a, headers: {{x-v: {'a' * 4000}{n}}}"))
    yield "a long answer, full", ROUTES + f"      - {{path: /a, respond: {{status: 200, body: {long}}}}}\n"
    yield "answers, full", fill(ROUTES, lambda n: f"      - {{path: /a{n}, respond: {{status: 200, body: {'b' * 200}{n}}}}}\n")
    yield "secrets, full", fill(ROUTES, rule(lambda n: f"path: /a{n}, requestHeaders: {{set: {{x-a: AKIA{n:016}}}}}"))
    yield "a long secret, full", ROUTES + "      - {path: /a, to: origin, requestHeaders: {set: {x-a: '" + "AKIAABCDEFGHIJKLMNOP " * (FULL // 21 - 100) + "'}}}\n"
    # Conditions.
    yield "queries of one route, full", wrapped(ROUTES + "      - {path: /a, to: origin, query: {", lambda n: f'x{n}: "1", ', "}}\n")
    yield "many conditions of a path, 250", times(ROUTES, rule(lambda n: "path: /a, query: {" + ", ".join(f"q{(n * 7 + k * k) % 97}: {{present: true}}" for k in range(12)) + f"}}, priority: {n}"), 250)
    yield "present and absent of a path, 900", times(ROUTES, rule(lambda n: "path: /a, headers: {" + ", ".join(f"x-{bit}: {{{'present' if n >> bit & 1 else 'absent'}: true}}" for bit in range(10)) + "}"), 900)
    yield "present and absent of paths, full", fill(ROUTES, rule(lambda n: f"path: /p{n // 200}, headers: {{" + ", ".join(f"x-{bit}: {{{'present' if n % 200 >> bit & 1 else 'absent'}: true}}" for bit in range(8)) + "}"))
    yield "query regexes of a path, 2,000", times(ROUTES, rule(lambda n: f'path: /a, query: {{v: {{regex: "a{n}[0-9]+"}}}}'), 2_000)
    yield "header regexes that overlap, 300", times(ROUTES, rule(lambda n: f'path: /a, headers: {{x-v: {{regex: ".*a{n}.*"}}}}, priority: {n}'), 300)
    yield "header regexes on names, 2,000", times(ROUTES, rule(lambda n: f'path: /a, headers: {{x-{n}: {{regex: "a{n}[0-9]+"}}}}, priority: {n}'), 2_000)
    yield "regexes and values of a path, 2,000", times(ROUTES, (lambda n: f'      - {{path: /a, headers: {{x-v: ' + (f'{{regex: "a{n}[0-9]+"}}' if n % 2 else f'"a{n - 1 if n else 1}7"') + '}, to: origin}\n'), 2_000)
    yield "priorities and regexes of a path, 2,000", times(ROUTES, rule(lambda n: f'path: /a, headers: {{x-v: {{regex: "[a-w]+x{n}"}}}}, priority: {n}'), 2_000)
    yield "rules for methods of paths, full", fill(ROUTES, rule(lambda n: f"path: /p{n // 7}, methods: [{['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'][n % 7]}]"))
    yield "ambiguous rules of a path, 2,000", times(ROUTES, lambda n: f'      - {{path: /a, headers: {{x-{n}: "1"}}, to: origin, timeout: {{request: {n + 1}s}}}}\n', 2_000)
    yield "ambiguous paths, 2,000", times(ROUTES, lambda n: f'      - {{path: "{"/{x}" * 3}/a{n}/**", to: origin, timeout: {{request: {n + 1}s}}}}\n' if n % 2 else f'      - {{path: "/a{n}/{{x}}/**", to: origin, timeout: {{request: {n + 1}s}}}}\n', 2_000)
    yield "shares, full", fill(services, lambda n: f'  s{n}: {{protocol: http, mtls: disabled, endpoints: ["127.0.0.1:{n % 60000 + 1}"], versions: {{' + ", ".join(f'v{k}: {{endpoints: ["127.0.0.1:{k + 1}"]}}' for k in range(100)) + "}}\n")
    yield "steps of a plan, full", wrapped(services + '  b: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:1"]}\n  s: {protocol: http, app: "127.0.0.1:80", endpoints: ["10.0.0.1:80"], calls: {b: {}}, plan: [', lambda n: "b, ", "]}\n")
    yield "callers of a permission, full", wrapped(one("allow") + "      - {from: [", lambda n: f"service/x{n}, ", "]}\n")
    yield "methods of permissions, full", fill(one("allow"), lambda n: f"      - {{from: [service/c], methods: [M{n}]}}\n")
    yield "denials of regexes, 64", times(one("deny"), lambda n: f'      - {{from: [service/c], path: {{regex: "/.*a{n}.*"}}}}\n', 60)
    yield "certificates of listeners, full", fill(several(4_000, lambda n: f"l{n}: {{port: {n + 1}, protocol: https, hosts: [h{n}.test], tls: {{certificate: c{n}}}}}") + "certificates:\n", lambda n: f"  c{n}: {{chain: a.pem, key: b.pem, names: [h{n}.test]}}\n")
    yield "names of a certificate, full", wrapped(HEAD + "certificates: {c: {chain: a.pem, key: b.pem, names: [", lambda n: f"h{n}.test, ", "]}}\n")
    several_services = lambda field, item: fill(services + '  c: {protocol: http, app: "127.0.0.1:80", endpoints: ["10.0.0.1:15443"]}\n', lambda n: f'  s{n}: {{protocol: http, app: "127.0.0.1:80", endpoints: ["10.0.{n // 250}.{n % 250}:15443"], {field}: [' + ", ".join(item(k) for k in range(4_000)) + "]}\n")
    yield "permissions of services, full", several_services("allow", lambda k: f"{{from: [service/c], path: /a{k}/**}}")
    yield "permissions that overlap of services, full", several_services("allow", lambda k: "{from: [service/c], path: '/" + "/".join("{x}" if k >> bit & 1 else "a" for bit in range(10)) + "/**'}")
    yield "denials of services, full", several_services("deny", lambda k: f"{{from: [service/c], methods: [M{k % 50}], path: /a{k}/**}}")
    yield "callers of permissions, full", several_services("allow", lambda k: "{from: [" + ", ".join(f"service/c" for _ in range(1)) + f"], methods: [M{k}]}}")
    yield "listeners of gateways, full", fill("weft: v1\nmesh: {name: bench, trustDomain: bench.example}\ngateways:\n", lambda n: f"  g{n}: {{listeners: {{" + ", ".join(f"l{k}: {{port: 81, protocol: http, hosts: [h{k}.test]}}" for k in range(4_000)) + "}}\n")
    yield "endpoints of services, full", fill(services, lambda n: f'  s{n}: {{protocol: http, mtls: {"disabled" if n % 2 else "strict"}, ' + ('' if n % 2 else 'app: "127.0.0.1:80", ') + f'endpoints: ["10.0.0.1:80"]}}\n')
    yield "methods of rules, full", fill(ROUTES, rule(lambda n: f"path: /a, priority: {n}, methods: [" + ", ".join(f"M{(n * 7 + k) % 3_000}" for k in range(1_000)) + "]"))
    yield "calls and callers, full", fill(services, lambda n: f'  s{n}: {{protocol: http, app: "127.0.0.1:80", endpoints: ["10.0.{n // 250}.{n % 250}:15443"], calls: {{' + ", ".join(f"s{(n * 31 + k) % 700}: {{operations: [GET /a{k}]}}" for k in range(280)) + "}, allow: [" + ", ".join(f"{{from: [service/s{(n * 17 + k) % 700}], path: /a{k}/**}}" for k in range(60)) + "]}\n")
    # What is held against what else.
    caller = lambda n: f'  c{n}: {{protocol: http, app: "127.0.0.1:80", endpoints: ["10.0.{n // 250}.{n % 250}:15443"], calls: {{c{n + 1}: {{}}}}}}\n'
    chained = times(services, caller, 20_000) + '  c20000: {protocol: http, app: "127.0.0.1:80", endpoints: ["10.1.0.1:15443"]}\n'
    yield "assertions about many services, full", fill(chained + "assert:\n", lambda n: f"  - {{name: n{n}, never: {{from: service/c{n % 20_000}, to: c{(n + 9_000) % 20_000}, byAnyWay: true}}}}\n")
    yield "assertions about all callers, full", fill(chained + "assert:\n", lambda n: f"  - {{name: n{n}, only: {{to: c{n % 20_000}, callers: [service/c{n * 7 % 20_000}]}}}}\n")
    yield "assertions about tries, full", fill(chained + "assert:\n", lambda n: f"  - {{name: n{n}, bound: {{to: c{n % 20_000}, amplification: 9}}}}\n")
    several_hosts = times(hosts, route(lambda n: f"h{n}.test"), 20_000)
    yield "assertions about many hosts, full", fill(several_hosts + "assert:\n", lambda n: f"  - {{name: n{n}, always: {{for: {{host: h{n % 20_000}.test}}, to: [origin]}}}}\n")
    yield "assertions about wildcards, full", fill(several_hosts + "assert:\n", lambda n: f"  - {{name: n{n}, always: {{for: {{host: \"*.test\"}}, to: [origin]}}}}\n")
    several_gateways = lambda count: "weft: v1\nmesh: {name: bench, trustDomain: bench.example, defaults: {timeout: {request: 15s}}}\ngateways:\n" + "".join(f"  g{n}: {{listeners: {{web: {{port: {n % 60000 + 1}, protocol: http}}}}}}\n" for n in range(count)) + 'services: {origin: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:21000"]}}\n'
    yield "assertions about gateways, full", fill(several_gateways(50_000) + "assert:\n", lambda n: f"  - {{name: n{n}, always: {{for: {{host: a.test}}, to: [origin]}}}}\n")
    yield "gateways with many hosts, full", several_gateways(200) + "routes:\n" + "".join(f"  r{n}: {{on: g{n % 200}/web, host: h{n}.test, rules: [{{path: /, to: origin}}]}}\n" for n in range(100_000))
    yield "tests of many routes, full", fill(thousand + "tests:\n", lambda n: f"  - {{name: n{n}, request: GET http://a.test/p{n % 1000}, expect: {{rule: x{n}, backend: origin}}}}\n")
    yield "tests of many hosts, full", fill(several_hosts + "tests:\n", lambda n: f"  - {{name: n{n}, request: GET http://h{n % 20_000}.test/, expect: {{backend: origin}}}}\n")
    few = lambda count: HEAD.replace("}}\ngateways", "}, guardrails: [" + ", ".join(f"{{bound: timeout.request, max: {n % 9 + 1}s, why: a}}" for n in range(count)) + "]}\ngateways")
    with_timeouts = few(60_000).replace('services: {origin: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:21000"]}}\n', "services:\n")
    yield "guardrails that services exceed, full", fill(with_timeouts, lambda n: f'  s{n}: {{protocol: http, mtls: disabled, endpoints: ["127.0.0.1:{n % 60000 + 1}"], timeout: {{request: 20s}}}}\n')
    networks = HEAD.replace("}}\ngateways", "}, guardrails: [" + ", ".join("{bound: endpoints, max: [" + ", ".join(f"10.{n % 250}.{k % 250}.0/24" for k in range(4_000)) + "], why: a}" for n in range(60)) + "]}\ngateways").replace('services: {origin: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:21000"]}}\n', "services:\n")
    yield "networks and endpoints, full", fill(networks, lambda n: f'  s{n}: {{protocol: http, mtls: disabled, endpoints: [' + ", ".join(f'"127.0.0.1:{k + 1}"' for k in range(50)) + "]}\n")
    exempt = HEAD.replace("}}\ngateways", "}, teams: {t: {files: ['*']}}, guardrails: [" + ", ".join("{bound: timeout.request, max: 5s, why: a, exempt: [" + ", ".join(f"{{for: {{service: s{k}}}, max: 30s, reason: a, owner: t, until: 2027-01-01}}" for k in range(4_000)) + "]}" for n in range(12)) + "]}\ngateways").replace('services: {origin: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:21000"]}}\n', "services:\n")
    yield "exemptions and services, full", fill(exempt, lambda n: f'  s{n}: {{protocol: http, mtls: disabled, endpoints: ["127.0.0.1:{n % 60000 + 1}"], timeout: {{request: 20s}}}}\n')
    yield "globs of stars and files, 20,000", {"mesh.yaml": HEAD.replace("}}\ngateways", "}, teams: {" + ", ".join("t%d: {files: [%s]}" % (n, ", ".join(f"'*x{n}y{k}z*'" for k in range(100))) for n in range(3_000)) + "}}\ngateways")} | {f"x{n}.yaml": HOLDS for n in range(20_000)}
    yield "long globs and files, 1,000", {"mesh.yaml": HEAD.replace("}}\ngateways", "}, teams: {t: {files: [" + ", ".join("'" + "*a" * 1_900 + f"{n}'" for n in range(2_000)) + "]}}}\ngateways")} | {"a" * 200 + f"{n}.yaml": HOLDS for n in range(1_000)}
    # Lists within a definition.
    yield "reasons to try again, full", fill(ROUTES, lambda n: f"      - {{path: /a{n}, to: origin, retry: {{attempts: 2, on: [" + ", ".join(str(500 + k % 100) for k in range(400)) + "]}}\n")
    yield "cookies of a path, 2,000", times(ROUTES, rule(lambda n: f'path: /a, headers: {{cookie: {{regex: ".*c{n}=[0-9]+.*"}}}}'), 2_000)
    yield "parameters of a path, 4,000", times(ROUTES, rule(lambda n: f'path: /a, query: {{q{n}: "1", p{n % 7}: {{present: true}}}}, priority: {n}'), 4_000)
    yield "methods and headers of a path, 5,000", times(ROUTES, rule(lambda n: f'path: /a, methods: [GET, M{n % 99}], headers: {{x-v: "{n % 77}", x-w: {{present: true}}}}, priority: {n}'), 5_000)
    yield "hosts of listeners and routes, full", fill(several(200, lambda n: f"l{n}: {{port: 81, protocol: http, hosts: [" + ", ".join(f'"*.h{n}-{k}.test"' for k in range(500)) + "]}") + "routes:\n", lambda n: f'  r{n}: {{on: public/l{n % 200}, host: "*.h{n % 200}-{n // 200}.test", rules: [{{path: /, to: origin}}]}}\n')
    yield "operations and permissions, full", fill(services, lambda n: f'  s{n}: {{protocol: http, app: "127.0.0.1:80", endpoints: ["10.0.{n // 250}.{n % 250}:15443"], calls: {{s{n ^ 1}: {{operations: [' + ", ".join(f"GET /a{k}/**" for k in range(1_500)) + "]}}, allow: [" + ", ".join(f"{{from: [service/s{n ^ 1}], methods: [GET], path: /a{k}/b}}" for k in range(1_500)) + "]}\n")
    yield "suppressions of many routes, full", fill(times(hosts, lambda n: f"  r{n}: {{on: public/web, host: h{n}.test, rules: [{{path: /a/**, to: origin, priority: 9}}, {{path: /a/b, to: origin}}]}}\n", 20_000) + "suppressions:\n", suppression(lambda n: f"{{route: r{n % 20_000}}}"))
    yield "values of templates, full", {"values.yaml": fill("", lambda n: f"k{n}: {n}\n", FULL // 2), "mesh.yaml": fill(HEAD + "routes:\n", lambda n: f"  r{n}: {{on: public/web, host: h{n}.test, rules: [{{path: \"/{{{{ k{n} }}}}\", to: origin}}]}}\n", FULL // 2)}
    yield "templates with loops, full", fill(HEAD + "routes:\n", lambda n: f"  r{n}: {{on: public/web, host: \"h{{{{ range(300) | join('') | length + {n} }}}}.test\", rules: [{{path: /, to: origin}}]}}\n")
    yield "rules with several backends, full", fill(services.replace("services:\n", "gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}\nservices:\n") + "".join(f'  o{n}: {{protocol: http, mtls: disabled, endpoints: ["127.0.0.1:{n + 1}"]}}\n' for n in range(100)) + "routes:\n  a:\n    on: public/web\n    host: a.test\n    rules:\n", lambda n: f"      - {{path: /a{n}, to: {{" + ", ".join(f"o{k}: 1%" for k in range(100)) + "}}\n")
    # Many files.
    yield "routes in 20,000 files", {f"f{n}.yaml": (HEAD if n == 0 else HOLDS) + f"routes:\n  r{n}: {{on: public/web, host: h{n}.test, rules: [" + ", ".join(f"{{path: /a{k}, to: origin}}" for k in range(10)) + "]}\n" for n in range(20_000)}
    yield "mistakes in 20,000 files", {f"f{n}.yaml": HOLDS + "".join(f"k{k}: 1\n" for k in range(40)) for n in range(20_000)}
    yield "empty files, 100,000", {f"f{n}.yaml": "weft: v1\n" for n in range(100_000)}
    yield "files of many teams, 3,000", {"mesh.yaml": HEAD.replace("}}\ngateways", "}, teams: {" + ", ".join(f"t{n}: {{files: ['a{n}/**', 't{n}*']}}" for n in range(3_000)) + "}}\ngateways")} | {f"t{n}.yaml": HOLDS + f"routes:\n  r{n}: {{team: t{n}, on: public/web, host: h{n}.test, rules: [{{path: /, to: origin}}]}}\n" for n in range(3_000)}
    yield "certificates, full", fill(HEAD + "certificates:\n", lambda n: f"  c{n}: {{chain: a.pem, key: b.pem}}\n")
    for more in (kinds, hosts_of_routes, listeners, statements):
        yield from more()


MESH = "weft: v1\nmesh: {name: bench, trustDomain: bench.example, defaults: {timeout: {request: 15s}}}\n"
GATEWAY = "gateways: {public: {listeners: {web: {port: 8080, protocol: http}}}}\nroutes: {r: {on: public/web, host: a.test, rules: [{respond: {status: 200}}]}}\n"
TLS = MESH + 'services: {origin: {protocol: http, mtls: disabled, endpoints: ["127.0.0.1:21000"]}}\n'


def sidecar(n, rest):
    """A service behind a sidecar."""
    return f'  s{n}: {{protocol: http, app: "127.0.0.1:80", endpoints: ["10.{n >> 16}.{n >> 8 & 255}.{n & 255}:15443"], {rest}}}\n'


def kinds():
    """Permissions of whole kinds of callers, beside many callers."""
    services = MESH + GATEWAY + "services:\n"
    every = lambda n: f"from: [service/*], path: /a{n}"
    near = lambda n: f"calls: {{s{n ^ 1}: {{operations: [GET /a]}}}}"
    yield "all services may call all, full", fill(services, lambda n: sidecar(n, "allow: [{from: [service/*]}]"))
    yield "the mesh may call all, full", fill(services, lambda n: sidecar(n, near(n) + ", allow: [{from: [mesh]}]"))
    yield "all services and each, full", fill(services, lambda n: sidecar(n, near(n) + ", allow: [{from: [service/*, " + f"service/s{n ^ 1}]}}]"))
    yield "paths for all services, full", fill(services, lambda n: sidecar(n, near(n) + ", allow: [" + ", ".join(f"{{{every(k)}}}" for k in range(40)) + "]"))
    yield "paths for all services to one, full", fill(services + sidecar(0, "allow: [" + ", ".join(f"{{{every(n)}}}" for n in range(4_000)) + "]"), lambda n: sidecar(n + 1, f"calls: {{s0: {{operations: [GET /a{n % 4_000}]}}}}"))
    yield "paths for the mesh and many callers, full", fill(services + sidecar(0, "allow: [" + ", ".join(f"{{from: [mesh], path: /b{n}/**}}" for n in range(4_000)) + "]"), lambda n: sidecar(n + 1, f"calls: {{s0: {{operations: [GET /b{n % 4_000}, POST /b{n % 4_000}/a/**]}}}}"))
    yield "paths of many for all services, full", fill(services, lambda n: sidecar(n, "calls: {" + ", ".join(f"s{(n * 7 + k) % 2_000}: {{operations: [GET /a{k}]}}" for k in range(10)) + "}, allow: [" + ", ".join(f"{{{every(k)}}}" for k in range(40)) + "]"))
    yield "regexes for the mesh and many callers, 60", services + "".join(sidecar(n, f"calls: {{s9999: {{operations: [GET /a{n}, POST /b{n}/**]}}}}") for n in range(9_000)) + sidecar(9999, "allow: [" + ", ".join(f"{{from: [mesh], path: {{regex: '/[ab]{n}(/.*)?'}}}}" for n in range(60)) + "]")
    yield "denials for kinds, full", fill(services, lambda n: sidecar(n, near(n) + ", allow: [{from: [mesh]}], deny: [" + ", ".join(f"{{from: [service/*], path: /a{k}/**}}" for k in range(20)) + "]"))
    yield "all gateways, full", fill(MESH + "gateways:\n" + "".join(f"  g{n}: {{listeners: {{web: {{port: {n + 1}, protocol: http}}}}}}\n" for n in range(2_000)) + "routes:\n" + "".join(f"  r{n}: {{on: g{n}/web, host: a.test, rules: [{{to: s{n}}}]}}\n" for n in range(2_000)) + "services:\n", lambda n: sidecar(n, "allow: [{from: [gateway/*]}]"))
    yield "assertions about kinds, full", fill(services + "".join(sidecar(n, near(n) + ", allow: [{from: [service/*, gateway/*]}]") for n in range(10_000)) + "assert:\n", lambda n: f"  - {{name: n{n}, only: {{to: s{n % 10_000}, callers: [service/*]}}}}\n")
    yield "calls that kinds admit, full", fill(services + "".join(sidecar(n, near(n) + ", allow: [{from: [service/*]}]") for n in range(10_000)) + "assert:\n", lambda n: f"  - {{name: n{n}, never: {{from: service/s{n * 7 % 10_000}, to: s{n % 10_000}, via: any}}}}\n")


def hosts_of_routes():
    """Rules that hold for several hosts each."""
    route = lambda n, hosts, rules: f"  r{n}: {{on: public/web, hosts: [{', '.join(hosts)}], rules: [{', '.join(rules)}]}}\n"
    named = lambda first, count: (f"h{k}.test" for k in range(first, first + count))
    paths = lambda count: (f"{{path: /a{k}, to: origin}}" for k in range(count))
    head = HEAD + "routes:\n"
    yield "hosts of one route, full", head + route(0, named(0, 550_000), paths(1))
    yield "wildcards of one route, full", head + route(0, (f'"*.h{k}.test"' for k in range(400_000)), paths(1))
    yield "hosts and rules of one route, full", head + route(0, named(0, 250_000), paths(150_000))
    yield "hosts and rules of one route, 1,000 each", head + route(0, named(0, 1_000), paths(1_000))
    yield "a host many times of one route, full", head + route(0, ("a.test" for _ in range(900_000)), paths(1))
    yield "routes of a hundred hosts, full", fill(head, lambda n: route(n, named(n * 100, 100), paths(3)))
    yield "the same hosts in many routes, full", fill(head, lambda n: route(n, named(0, 3_000), [f"{{path: /a{n}, to: origin}}"]))
    yield "conditions of many hosts, 300 each", head + route(0, named(0, 300), (f'{{path: /a, headers: {{x-{k}: "1"}}, to: origin}}' for k in range(300)))
    yield "regexes of many hosts, 300 each", head + route(0, named(0, 300), (f'{{path: {{regex: ".*a{k}.*"}}, to: origin, priority: {k}}}' for k in range(300)))
    yield "redirects of many hosts, full", head + route(0, named(0, 1_000), (f"{{path: /a{k}, redirect: {{host: h{k + 1}.test, path: /a{k + 1}}}}}" for k in range(1_000)))


def listeners():
    """Many listeners with many hosts, and their certificates."""
    of = lambda count, one: TLS + "gateways: {public: {listeners: {" + ", ".join(one(n) for n in range(count)) + "}}}\n"
    secure = lambda n, hosts, more="": f"l{n}: {{port: 443, protocol: https, hosts: [{', '.join(hosts)}], tls: {{certificate: c{n}{more}}}}}"
    certificates = lambda count, more="": "certificates:\n" + "".join(f"  c{n}: {{chain: /c{n}.pem, key: /c{n}.key{more}}}\n" for n in range(count))
    routes = lambda n, at, host: f"  r{n}: {{on: public/l{at}, host: {host}, rules: [{{to: origin}}]}}\n"
    beside = lambda text: fill(text + "routes:\n", lambda n: routes(n, n % 250, f"h{n % 250}-{n // 250 % 15}.test") if n < 3_750 else "#\n")
    yield "listeners of TLS with hosts, full", beside(of(250, lambda n: secure(n, (f"h{n}-{k}.test" for k in range(15)))) + certificates(250))
    yield "listeners of TLS that name a default, full", beside(of(250, lambda n: secure(n, (f"h{n}-{k}.test" for k in range(15)), ", default: c0")) + certificates(250))
    yield "defaults that differ, full", beside(of(250, lambda n: secure(n, (f"h{n}-{k}.test" for k in range(15)), f", default: c{n}")) + certificates(250))
    yield "certificates with names and hosts, full", beside(of(250, lambda n: secure(n, (f"h{n}-{k}.test" for k in range(15)))) + certificates(250, ", names: [" + ", ".join(f"n{k}.test" for k in range(1_000)) + "]"))
    yield "hosts that listeners share, full", beside(of(250, lambda n: secure(n, (f"h{k}.test" for k in range(15)))) + certificates(250))
    yield "listeners on ports with hosts, full", fill(of(250, lambda n: f"l{n}: {{port: {n + 1}, protocol: http, hosts: [" + ", ".join(f"h{n}-{k}.test" for k in range(1_000)) + "]}") + "routes:\n", lambda n: routes(n, n % 250, f"h{n % 250}-{n // 250 % 1_000}.test"))
    yield "listeners of TLS beyond the bound, full", fill(of(250, lambda n: secure(n, (f"h{n}-{k}.test" for k in range(60)))) + certificates(250) + "routes:\n", lambda n: routes(n, n % 250, f"h{n % 250}-{n // 250 % 60}.test"))
    yield "hosts of routes on listeners, full", fill(of(200, lambda n: f"l{n}: {{port: 81, protocol: http, hosts: [" + ", ".join(f"h{n}-{k}.test" for k in range(20)) + "]}") + "routes:\n", lambda n: f"  r{n}: {{on: public/l{n % 200}, hosts: [" + ", ".join(f"h{n % 200}-{k}.test" for k in range(20)) + f"], rules: [{{path: /a{n}, to: origin}}]}}\n")


def statements():
    """Many suppressions, assertions, values."""
    rules = times(ROUTES, lambda n: f"      - {{path: /a{n}/**, to: origin, name: n{n}}}\n", 20_000)
    accepted = lambda code, place: f"  - {{code: {code}, at: {place}, reason: a, owner: platform, until: 2027-01-01}}\n"
    yield "suppressions of one route with many rules, full", fill(rules + "suppressions:\n", lambda n: accepted("uncovered-space", "{route: a}"))
    services = MESH + GATEWAY + "services:\n"
    wide = "".join(sidecar(n, "allow: [{from: [service/*]}]") for n in range(20_000))
    yield "suppressions of what kinds may, full", fill(services + wide + "suppressions:\n", lambda n: accepted("excess-grant", f"{{service: s{n % 20_000}}}"))
    yield "suppressions of unknown codes, full", fill(rules + "suppressions:\n", lambda n: accepted(f"dead-rout{n}", "{route: a}"))
    yield "assertions with hosts and methods, full", fill(rules + "assert:\n", lambda n: f"  - {{name: n{n}, exists: {{for: {{host: a.test, path: /a{n % 20_000}/b, methods: [GET, PUT]}}, to: origin}}}}\n")
    yield "assertions with regexes, full", fill(rules + "assert:\n", lambda n: f"  - {{name: n{n}, total: {{host: a.test, path: {{regex: '/a{n}[0-9]+/x'}}}}}}\n")
    yield "assertions about snapshots, full", fill(rules + "assert:\n", lambda n: f"  - {{name: n{n}, same: {{as: dist{n}}}}}\n")
    yield "assertions about one snapshot, full", fill(rules + "assert:\n", lambda n: f"  - {{name: n{n}, same: {{as: dist, for: {{host: a.test, path: /a{n}}}}}}}\n")
    yield "assertions about edits, full", fill(rules + "assert:\n", lambda n: f"  - {{name: n{n}, noChange: {{facet: route}}}}\n")
    yield "assertions of one name, full", fill(rules + "assert:\n", lambda n: "  - {name: n, total: {host: a.test, path: /a1/**}}\n")
    yield "values in groups, full", {"weft.yaml": "values: [values.yaml]\n", "values.yaml": fill("", lambda n: f"g{n}: {{a: {{b: {n}}}}}\n", FULL // 2), "mesh.yaml": fill(HEAD + "routes:\n", lambda n: f"  r{n}: {{on: public/web, host: h{n}.test, rules: [{{path: \"/{{{{ g{n}.a.b }}}}\", to: origin}}]}}\n", FULL // 2)}
    yield "values in depth, full", {"values.yaml": "a: " + "{a: " * ((FULL - 900) // 5) + "1" + "}" * ((FULL - 900) // 5) + "\n", "mesh.yaml": ROUTES + "      - {path: /a, to: origin}\n"}
    yield "files of values, 20,000", {f"values{n}.yaml": f"k{n}: {n}\n" for n in range(20_000)} | {"mesh.yaml": ROUTES + "      - {path: /a, to: origin}\n"}

def request(weft):
    """Builds 2,000 expressions on one header and asks for the rule of a request with a value of 7.8 KiB, and with a short one."""
    text = times(ROUTES, lambda n: f"      - {{path: /a, headers: {{x-v: {{regex: '[a-w]+x{n}'}}}}, to: origin}}\n", 2_000)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "mesh.yaml"), "w", encoding="utf-8") as file:
            file.write(text)
        subprocess.run([weft, "build", "mesh.yaml", "-o", "dist", "--generation", "1"], cwd=folder, check=True, capture_output=True)
        for name, value in [("a short value", "ax"), ("7.8 KiB", "a" * 7_800 + "x1999"), ("7.8 KiB that no rule takes", "a" * 7_800)]:
            seen = []
            for _ in range(21):
                started = time.monotonic()
                ask = [weft, "why", "GET http://a.test/a", "-H", f"x-v: {value}", "--snapshot", "dist"]
                subprocess.run(ask, cwd=folder, check=True, capture_output=True)
                seen.append(time.monotonic() - started)
            seen.sort()
            print(f"weft why, 2,000 expressions, {name}: {1e3 * seen[10]:.1f} ms from start to exit ({1e3 * seen[0]:.1f} to {1e3 * seen[-1]:.1f})")


def limits():
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))


def measure(weft, files):
    with tempfile.TemporaryDirectory() as folder:
        asked = "mesh.yaml" if isinstance(files, str) else "spec"
        if isinstance(files, str):
            files = {"mesh.yaml": files}
        else:
            os.mkdir(os.path.join(folder, "spec"))
            files = {f"spec/{name}": text for name, text in files.items()}
        for name, text in files.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        out = open(os.path.join(folder, "out"), "wb+")
        started = time.monotonic()
        # Backtraces of errors that nobody sees are no part of the work.
        quiet = {name: value for name, value in os.environ.items() if name != "RUST_BACKTRACE"}
        child = subprocess.Popen([weft, "check", asked], cwd=folder, stdout=out, stderr=out, preexec_fn=limits, env=quiet)
        usage = None
        while usage is None:
            pid, status, rusage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                usage = (status, rusage)
            elif 20 * LONGEST < time.monotonic() - started:
                os.kill(child.pid, signal.SIGKILL)
                time.sleep(0.005)
            else:
                time.sleep(0.005)
        seconds = usage[1].ru_utime + usage[1].ru_stime
        child.returncode = os.waitstatus_to_exitcode(usage[0])
        out.seek(0)
        said = out.read()
    return seconds, usage[1].ru_maxrss / 1024, child.returncode, said


def main():
    words = sys.argv[1:]
    weft = "target/dist/weft"
    if words[:1] == ["--weft"]:
        weft, words = words[1], words[2:]
    weft = os.path.abspath(weft)
    if words == ["request"]:
        return request(weft)
    beyond = 0
    for name, files in specs():
        if words and not any(word in name for word in words):
            continue
        seconds, mib, code, said = measure(weft, files)
        size = sum(len(text.encode()) for text in ([files] if isinstance(files, str) else files.values()))
        is_beyond = SECONDS < seconds or MIB < mib or code not in (0, 1)
        beyond += is_beyond
        lines = said.decode("utf-8", "replace").splitlines()
        first = lines[0][:90] if lines else ""
        last = next((line for line in reversed(lines) if line.strip()), "")[:60]
        mark = "!" if is_beyond else " "
        print(f"{mark} {name:36} {size:>8} {seconds:7.2f} s {mib:6.0f} MiB  {code:>3}  {len(said):>9} | {first} | {last}", flush=True)
    sys.exit(1 if beyond else 0)


if __name__ == "__main__":
    main()
