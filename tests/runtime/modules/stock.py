"""A module that runs in a process of its own, for tests: it is imported there by its name."""

import asyncio
import os
import resource
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from runtime import Module, ModuleContext, Resources, grant
from runtime.errors import CapabilityDeniedError


class Item(msgspec.Struct):
    sku: str
    quantity: int = 1


class OutOfStock(Exception):
    """Nothing is left."""


class Busy(Exception):
    """May pass."""

    retryable = True


stock = Module(
    "stock",
    isolation="subprocess",
    capabilities=[grant("secret.read", "stock_token")],
    resources=Resources(workers=2, acquire_s=20.0),
)
calls: list[str] = []
"""Keys of the calls that this process has had."""


@stock.method(idempotent=True)
async def echo(ctx: ModuleContext, value: Any) -> Any:
    return value


@stock.method
async def take(ctx: ModuleContext, items: list[Item]) -> int:
    if not items:
        raise OutOfStock("atlas", 7)
    return sum(item.quantity for item in items)


@stock.method
def about(ctx: ModuleContext) -> dict[str, Any]:
    ctx.log.info("asked for %s", ctx.request_id)
    return {
        "pid": os.getpid(),
        "request": ctx.request_id,
        "key": ctx.idempotency_key,
        "version": ctx.version,
        "traceparent": ctx.traceparent,
        "left": ctx.time_left_s,
        "config": ctx.config["limit"],
        "environment": sorted(os.environ),
        "folder": os.environ["TMPDIR"],
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "limits": [
            resource.getrlimit(resource.RLIMIT_AS)[0], resource.getrlimit(resource.RLIMIT_CORE)[0],
        ],
        "path": str(Path.cwd()),
    }  # fmt: skip


@stock.method(timeout=0.3)
async def spin(ctx: ModuleContext) -> None:
    while True:
        pass


@stock.method(timeout=0.2)
async def doze(ctx: ModuleContext) -> None:
    await asyncio.sleep(60)


@stock.method
async def wait(ctx: ModuleContext, seconds: float) -> int:
    await asyncio.sleep(seconds)
    return os.getpid()


@stock.method
def die(ctx: ModuleContext, code: int) -> None:
    sys.stdout.write("about to die\n")
    sys.stdout.flush()
    os._exit(code)


@stock.method(idempotent=True, attempts=3)
async def flaky(ctx: ModuleContext, until: int) -> int:
    calls.append(ctx.idempotency_key)
    if len(calls) < until:
        raise Busy
    return len(calls)


@stock.method
async def denied(ctx: ModuleContext, name: str) -> str:
    try:
        await ctx.secret(name)
    except CapabilityDeniedError as error:
        return error.problem
    return "granted"


@stock.method
def grab(ctx: ModuleContext, size: int) -> int:
    return len(bytearray(size))


@stock.method
def token(ctx: ModuleContext, name: str) -> bool:
    with ctx.secret(name).reveal() as value:
        sys.stdout.write(f"it is {value}\n")
        sys.stdout.flush()
        return bool(value == "correct horse")


@stock.method
def read(ctx: ModuleContext, path: str) -> str:
    with ctx.open(path) as file:
        return str(file.read())


@stock.method
async def write(ctx: ModuleContext, path: str, text: str) -> None:
    with await ctx.open(path, "w") as file:
        file.write(text)


@stock.method
def dial(ctx: ModuleContext, place: str, said: bytes) -> bytes:
    with ctx.connect(place) as made:
        made.sendall(said)
        return bytes(made.recv(100))


@stock.method
def babble(ctx: ModuleContext) -> None:
    """Write what is no frame to whatever socket there is."""
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if descriptor.readlink().name.startswith("socket:"):
                os.write(int(descriptor.name), b"\xff" * 8)
    threading.Event().wait(60)
