"""A browser's visit to Django behind gunicorn, over HTTP/1.1 and over HTTP/2: `STAND`.

Over HTTP/2 each cookie is a field of its own, as browsers send them. The host has a port, which Django compares with Origin. Prints
the status of a form that is fetched and sent ten times, and whether the session was kept and addresses were whole.
"""

import json
import sys

import honest
import http2


def cookies(fields):
    found = {}
    for name, value in fields:
        if name == "set-cookie":
            pair = value.split(";")[0]
            found[pair.split("=", 1)[0]] = pair
    return found


def visit(ask, host):
    """`ask(method, path, fields, body)` gives status, fields and body."""
    seen, kept = {}, {}
    for number in range(1, 11):
        status, fields, body = ask("GET", "/form", [("cookie", pair) for pair in kept.values()], b"")
        if status != "200":
            honest.tally(seen, f"form {status}")
            continue
        kept |= cookies(fields)
        page = json.loads(body)
        if page["visits"] != number:
            honest.tally(seen, "session lost")
        if page["address"] != f"http://{host}/next":
            honest.tally(seen, f"address {page['address'].replace(host.split(':')[1], 'PORT')}")
        noise = [("cookie", "theme=dark"), ("cookie", "a=b")]
        status, fields, body = ask("POST", "/save", [
            *noise, *(("cookie", pair) for pair in kept.values()), ("origin", f"http://{host}"), ("x-csrftoken", page["token"]),
            ("content-type", "application/x-www-form-urlencoded")], b"x=1")
        honest.tally(seen, "saved" if status == "200" and json.loads(body)["visits"] == number else f"save {status}")
    return seen


def main(stand):
    app, port = stand["ports"]["one"], stand["ports"]["plain"]
    honest.server(sys.executable, "-m", "gunicorn", "django_app:application", "-b", f"{honest.HOST}:{app}", "-k", "gthread", "--threads", "2",
                  port=app, env={"PYTHONPATH": honest.HERE, "PYTHONDONTWRITEBYTECODE": "1"})
    host = f"peers.test:{port}"
    line, client = honest.Line(port), http2.Raw(port)

    def first(method, path, fields, body):
        # HTTP/1.1 has one field for all of them.
        joined = "; ".join(value for name, value in fields if name == "cookie")
        rest = [pair for pair in fields if pair[0] != "cookie"] + ([("cookie", joined)] if joined else [])
        answer = line.ask(method, path, body, rest, host)
        return str(answer.status), answer.all, answer.body

    def second(method, path, fields, body):
        length = [("content-length", str(len(body)))] if body else []
        return client.ask(method, path, [*fields, *length], body, host)

    honest.report(first=visit(first, host), second=visit(second, host))


main(honest.stand())
