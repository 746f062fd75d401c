"""`timescape debug --web`: the screens in a browser of this machine, to look at only (BY-3).

Textual's own server shows them; what stands here is who may. It listens on loopback, and answers
only those who know the address with its token, and come by the name of this machine and from its
own page: a page of somebody else can neither read it nor open its socket.
"""

import asyncio
import hmac
import os
import secrets
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp_jinja2
import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.server import Server

from debugger.cli.output import Output

HOST = "127.0.0.1"
_NAMES = (HOST, "localhost")
_STOP_S = 2.0
_MOST = 8
"""Screens at once; each is a process."""
_HEADERS = {
    # The address is the key: it goes to no other site, and none is asked for fonts.
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' data: blob:; "
    "connect-src 'self' ws:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """Lets in who may look.

    Args:
        token: the first part of every path.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._open = 0

    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request, or refuse it before anything is begun for it."""
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        port = request.transport.get_extra_info("sockname")[1] if request.transport else 0
        if host not in {f"{name}:{port}" for name in _NAMES}:
            raise web.HTTPForbidden(text="Come by the address that was told.\n")
        is_socket = "upgrade" in request.headers.get("Connection", "").lower()
        if origin != f"http://{host}" and (origin is not None or is_socket):
            raise web.HTTPForbidden(text="Come from the page itself.\n")
        if not hmac.compare_digest(request.path.split("/")[1].encode(), self._token):
            raise web.HTTPNotFound(text="There is nothing here.\n")
        return await (self._counted(request, handler) if is_socket else handler(request))

    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._open >= _MOST:
            raise web.HTTPServiceUnavailable(text=f"{_MOST} screens are open.\n")
        self._open += 1
        try:
            return await handler(request)
        finally:
            self._open -= 1


@asynccontextmanager
async def serving(command: Sequence[str], port: int) -> AsyncIterator[str]:
    """Serve a screen of *command* to each who looks; gives the address to look at."""
    token = secrets.token_urlsafe(24)
    screens = Server(shlex.join(command), host=HOST, title="timescape")
    inner = web.Application()
    aiohttp_jinja2.setup(inner, loader=jinja2.FileSystemLoader(screens.templates_path))
    inner.add_routes([
        web.get("/", screens.handle_index, name="index"),
        web.get("/ws", screens.handle_websocket, name="websocket"),
        web.static("/static", screens.statics_path, name="static"),
    ])  # fmt: skip
    guard = Guard(token)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await guard.check(request, handler)

    outer = web.Application(middlewares=[check])
    outer.add_subapp(f"/{token}", inner)
    outer.on_response_prepare.append(_add_headers)
    # The log of accesses would have the token.
    runner = web.AppRunner(outer, access_log=None, shutdown_timeout=_STOP_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        bound = runner.addresses[0][1]
        screens.public_url = f"http://{HOST}:{bound}"
        yield f"{screens.public_url}/{token}/"
    finally:
        await runner.cleanup()


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


def look_at(words: Sequence[str], url: str, port: int, output: Output) -> None:
    """Serve `timescape debug` with *words* on the store *url*, until a signal asks to stop."""
    # Not among the words: others can read those, and there may be a password in it.
    os.environ["TIMESCAPE_STORE"] = url
    asyncio.run(_until_stopped([sys.executable, "-m", "debugger", "debug", *words], port, output))


async def _until_stopped(command: Sequence[str], port: int, output: Output) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(command, port) as address:
        if output.as_json:
            output.record("web", {"address": address})
        else:
            output.line(address)
        output.flush()
        output.say("Read-only, and for this machine alone: the address is the key. ctrl+c ends it.")
        await stop.wait()
