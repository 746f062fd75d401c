"""Tests of handlers: requests a second through the harness, against a bare call of a peer.

Ours records every fact, validates body and answer, and gathers the facts again; FastAPI's app is
asked through httpx, as its documentation tests apps, and records nothing.
"""

import asyncio
import time

import httpx
import msgspec
from fastapi import FastAPI
from pydantic import BaseModel

from runtime import App, LocalContext, Request
from runtime.testing import Harness, run_virtual
from tests.benchmarks.measure import Row, compare

COUNT = 500


class Order(msgspec.Struct):
    """What both are sent."""

    n: int


class Body(BaseModel):
    """The same, for FastAPI."""

    n: int


app = App("benched")
peer = FastAPI()


@app.handler("POST /orders")
async def place(req: Request[Order], lctx: LocalContext) -> int:
    """Do as little as a handler can that is worth a test."""
    lctx.set("n", req.body.n)
    return req.body.n + 1


@app.handler("POST /in-a-thread")
def place_blocking(req: Request[Order], lctx: LocalContext) -> int:
    """Do it in a worker thread, as handlers that are not async do."""
    lctx.set("n", req.body.n)
    return req.body.n + 1


@peer.post("/orders")
async def place_there(body: Body) -> int:
    """Do the same, unrecorded."""
    return body.n + 1


@peer.post("/in-a-thread")
def place_there_blocking(body: Body) -> int:
    """Do that in a worker thread as well."""
    return body.n + 1


async def _ours(path: str) -> float:
    async with Harness(app, replayed=False) as harness:
        begun = time.perf_counter()
        for n in range(COUNT):
            result = await harness.post(path, json={"n": n})
            assert result.json == n + 1
        return COUNT / (time.perf_counter() - begun)


async def _theirs(path: str) -> float:
    transport = httpx.ASGITransport(peer)
    async with httpx.AsyncClient(transport=transport, base_url="http://test.example") as client:
        begun = time.perf_counter()
        for n in range(COUNT):
            answer = await client.post(path, json={"n": n})
            assert answer.json() == n + 1
        return COUNT / (time.perf_counter() - begun)


def rows() -> list[Row]:
    return [
        _row("tests of an async handler, one request each", "/orders", 1.0),
        _row("tests of a handler that is not async", "/in-a-thread", None),
    ]


def _row(what: str, path: str, bar: float | None) -> Row:
    return compare(
        what,
        lambda: run_virtual(_ours(path)),
        lambda: asyncio.run(_theirs(path)),
        peer="FastAPI through httpx",
        unit="tests/s",
        bar=bar,
    )
