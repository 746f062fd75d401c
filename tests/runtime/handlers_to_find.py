"""Handlers that would not happen again; each line that a finding names ends with its word."""

import datetime as dt
import os
import random
import time
import uuid
from pathlib import Path
from random import choice
from typing import Any

import httpx

from runtime import GlobalContext, LocalContext


def helper() -> float:
    return time.time()  # clock


async def everything(lctx: LocalContext, gctx: GlobalContext) -> Any:
    import secrets  # noqa: PLC0415

    now = dt.datetime.now(dt.UTC)  # noqa: TID251  # clock
    number = random.random()  # noqa: S311  # chance
    one = choice([1, 2])  # noqa: S311  # chance
    token = secrets.token_hex()  # chance
    name = uuid.uuid4()  # noqa: TID251  # id
    time.sleep(0)  # noqa: ASYNC251  # blocks
    home = os.environ.get("HOME")  # environment
    text = Path("x").read_text("utf-8")  # noqa: ASYNC240  # files
    with open("x", encoding="utf-8") as file:  # noqa: ASYNC230, PTH123  # file
        text += file.read()
    answer = httpx.get("http://x")  # noqa: ASYNC210  # network
    words = {"a", "b"}
    for item in {*words, "c"}:  # order
        lctx.set("last", item)
    joined = [word for word in words]  # noqa: C416  # order
    return [now, number, one, token, name, home, answer, joined, helper()]


async def nothing(lctx: LocalContext, gctx: GlobalContext) -> Any:
    now, number, name = lctx.now(), lctx.random().random(), lctx.uuid()
    seeded = random.Random(1).random()  # noqa: S311
    later = now + dt.timedelta(days=1)
    for item in sorted({1, 2}):
        lctx.set("last", item)
    known = {word for word in ("a", "b")}  # noqa: C416
    return [later, number, name, seeded, len(known), 1 in {1, 2}, await gctx.modules.clock.now()]


async def note(lctx: LocalContext) -> None:
    """Note that it ran."""
