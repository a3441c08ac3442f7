"""Requests with trailers to servers that refuse them, while others go on: `STAND tornado|sanic|aiohttp`.

Fifty requests with a trailer, over HTTP/1.1 and over HTTP/2, and four clients beside them. Prints how each ended.
"""

import sys
import threading
import time

import honest
import http2

EACH = 25


def first(port):
    line = honest.Line(port)
    try:
        line.send(b"POST /trailers HTTP/1.1\r\nHost: peers.test\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: x-sum\r\n\r\n"
                  b"5\r\nhello\r\n0\r\nx-sum: 5\r\n\r\n")
        answer = line.answer()
        return "ok" if (answer.status, answer.body) == (200, b"5") else f"{answer.status} {answer.fields.get('x-weft-reason', '')}"
    except honest.Lost as lost:
        return lost.how
    finally:
        line.close()


def second(client):
    status, fields, body = client.ask("POST", "/trailers", [("trailer", "x-sum")], b"hello", trailers=[("x-sum", "5")])
    return "ok" if (status, body) == ("200", b"5") else f"{status} {dict(fields).get('x-weft-reason', '')}"


def other(port, seen, ended):
    line = honest.Line(port)
    while not ended.is_set():
        try:
            answer = line.ask("GET", "/other")
            honest.tally(seen, "ok" if answer.status == 200 else f"{answer.status} {answer.fields.get('x-weft-reason', '')}")
        except honest.Lost as lost:
            honest.tally(seen, lost.how)
            line = honest.Line(port)
        time.sleep(0.002)


def main(stand, library):
    app, port = stand["ports"]["one"], stand["ports"]["plain"]
    honest.server(sys.executable, f"{honest.HERE}/trailers_app.py", library, str(app), port=app)
    others, ended = [{} for _ in range(4)], threading.Event()
    threads = [threading.Thread(target=other, args=(port, seen, ended)) for seen in others]
    for thread in threads:
        thread.start()
    one, two, client = {}, {}, http2.Raw(port)
    for _ in range(EACH):
        honest.tally(one, first(port))
        honest.tally(two, second(client))
    ended.set()
    rest = {}
    for thread, seen in zip(threads, others):
        thread.join()
        for what, count in seen.items():
            rest[what] = rest.get(what, 0) + count
    honest.report(first=one, second=two, others=rest)


main(honest.stand(), honest.words()[0])
