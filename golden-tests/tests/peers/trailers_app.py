"""Servers that read a body and say how long it was, at once or after a moment: `trailers_app.py tornado|sanic|aiohttp PORT`."""

import asyncio
import sys


def tornado_server(port):
    import tornado.web

    class Length(tornado.web.RequestHandler):
        async def post(self):
            await asyncio.sleep(0.005)
            self.write(str(len(self.request.body)))

        get = post

    async def main():
        tornado.web.Application([(".*", Length)]).listen(port, "127.0.0.1")
        await asyncio.Event().wait()

    asyncio.run(main())


def sanic_server(port):
    import sanic

    app = sanic.Sanic("length", configure_logging=False)

    @app.route("/<path:path>", methods=["GET", "POST"])
    async def length(request, path):
        await asyncio.sleep(0.005)
        return sanic.response.text(str(len(request.body)))

    app.run("127.0.0.1", port, single_process=True, access_log=False, motd=False)


def aiohttp_server(port):
    from aiohttp import web

    async def length(request):
        body = await request.read()
        await asyncio.sleep(0.005)
        return web.Response(text=str(len(body)))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", length)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    {"tornado": tornado_server, "sanic": sanic_server, "aiohttp": aiohttp_server}[sys.argv[1]](int(sys.argv[2]))
