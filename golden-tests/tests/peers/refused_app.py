"""One application that answers 413 at once and reads no body, for each kind of server that can be had.

`app` is for WSGI, `asgi` for ASGI. Called as a program it is a server of the named library: `refused_app.py LIBRARY PORT STATUS`.
"""

import asyncio
import os
import sys

STATUS = int(os.environ.get("REFUSED_STATUS", "413"))
BODY = b"refused by the server\n"


def app(environ, start_response):
    start_response(f"{STATUS} Refused", [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))])
    return [BODY]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": STATUS,
                "headers": [(b"content-type", b"text/plain"), (b"content-length", str(len(BODY)).encode())]})
    await send({"type": "http.response.body", "body": BODY})


def aiohttp_server(port):
    from aiohttp import web

    async def refuse(request):
        return web.Response(status=STATUS, body=BODY)

    server = web.Application(client_max_size=1 << 20)
    server.router.add_route("*", "/{path:.*}", refuse)
    web.run_app(server, host="127.0.0.1", port=port, print=None)


def tornado_server(port):
    import tornado.ioloop
    import tornado.web

    @tornado.web.stream_request_body
    class Refuse(tornado.web.RequestHandler):
        def prepare(self):
            self.set_status(STATUS)
            self.finish(BODY)

        def data_received(self, chunk):
            pass

    async def main():
        tornado.web.Application([(".*", Refuse)]).listen(port, "127.0.0.1", max_body_size=1 << 30)
        await asyncio.Event().wait()

    asyncio.run(main())


def waitress_server(port):
    import waitress

    # Waitress reads a body before it calls an application, so that its own limit is what refuses.
    waitress.serve(app, host="127.0.0.1", port=port, max_request_body_size=1 << 20)


if __name__ == "__main__":
    {"aiohttp": aiohttp_server, "tornado": tornado_server, "waitress": waitress_server}[sys.argv[1]](int(sys.argv[2]))
