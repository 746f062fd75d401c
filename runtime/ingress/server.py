"""Serves an ASGI application over HTTP, on granian inside this process and event loop."""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from runtime.errors import ServeError
from runtime.ingress.heads import MAX_HEAD_BYTES

DRAIN_S = 10.0
"""What running requests have to end once the server stops (SD-1)."""
HEAD_S = 10.0
"""In which the head of a request has to be there (IN-2); a connection may idle no longer."""
_BACKLOG = 1_024
_PORTS = 65_536
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_STOP_S = 5.0
_log = logging.getLogger("timescape")

Stop = Callable[[float], Awaitable[bool]]


async def serve_http(
    application: Any,
    *,
    host: str,
    port: int,
    stop: Stop,
    ready: Callable[[], None] | None = None,
    drain_s: float = DRAIN_S,
) -> bool:
    """Serve until SIGTERM or SIGINT; then let running requests end, and return.

    Args:
        application: an ASGI application; its lifespan is not used.
        host: address to listen on.
        port: to listen on.
        stop: refuses new requests and waits for running ones, at most the seconds given;
            returns whether all came to their own end.
        ready: called once the server listens.
        drain_s: seconds that running requests have. A second signal cuts them short.

    Returns:
        Whether every request came to its own end.

    Raises:
        ServeError: the address cannot be listened on.
    """
    # Only who serves needs the server.
    from granian.constants import HTTPModes, Interfaces  # noqa: PLC0415
    from granian.http import HTTP1Settings  # noqa: PLC0415
    from granian.server.embed import Server  # noqa: PLC0415

    address = check_free(host, port)
    stopping = _on_signals()
    server = Server(
        application,
        address=address,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(HEAD_S * 1_000),
            max_buffer_size=max(MAX_HEAD_BYTES * 2, 128 * 1024),
        ),
        websockets=False,
        backlog=_BACKLOG,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    try:
        signalled = asyncio.create_task(stopping.wait())
        await _listening(address, port, serving)
        if ready is not None:
            ready()
        await asyncio.wait((serving, signalled), return_when=asyncio.FIRST_COMPLETED)
        signalled.cancel()
        clean = await _drain(stop, stopping, drain_s)
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                await serving
    return clean


def check_free(host: str, port: int) -> str:
    """Return the numeric address of *host*, if *port* of it can be listened on.

    Raises:
        ServeError: says why not, and what to do.
    """
    if not 0 < port < _PORTS:
        raise ServeError(problem=f"{port} is no port.", remedy="Choose one from 1024 to 65535.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # IPv4 first: `localhost` means 127.0.0.1 to most clients.
        family, kind, _, _, address = min(found, key=lambda entry: entry[0])
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    return str(address[0])


def _cannot_listen(host: str, port: int, error: Exception) -> ServeError:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return ServeError(
            f"Port {port} on {host} is in use.",
            "Stop what uses it, or choose another one with --port.",
        )
    if number in {errno.EACCES, errno.EPERM}:
        return ServeError(f"Port {port} may not be used.", "Choose one above 1023.")
    return ServeError(f"{host}:{port} cannot be listened on.", "Check the address.")


def _on_signals() -> asyncio.Event:
    """Return an event that the first signal sets; each later one sets it again."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, event.set)
    return event


async def _listening(address: str, port: int, serving: asyncio.Task[Any]) -> None:
    """Wait until a connection is accepted."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(reachable, port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    await serving


async def _drain(stop: Stop, stopping: asyncio.Event, drain_s: float) -> bool:
    """Let running requests end; a second signal leaves them no more time."""
    stopping.clear()
    draining = asyncio.ensure_future(stop(drain_s))
    again = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((draining, again), return_when=asyncio.FIRST_COMPLETED)
        if draining.done():
            return draining.result()
        draining.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await draining
        await stop(0)
        return False
    finally:
        again.cancel()
