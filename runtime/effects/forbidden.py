"""What code of handlers and hooks may not call, and what it calls instead (EF-6)."""

import asyncio
import builtins
import datetime as dt
import os
import pathlib
import random
import secrets
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterable
from functools import cache
from types import CodeType, FrameType
from typing import Any

import msgspec


class Rule(msgspec.Struct, frozen=True):
    """Why a call is not allowed."""

    does: str
    """What it does, after a place: `shop.py:3 reads the clock`."""
    remedy: str
    deep: bool = False
    """Whether user code answers for it through libraries, too."""


CLOCK = Rule("reads the clock", "Use `lctx.now()`.")
CHANCE = Rule("takes chance from outside", "Use `lctx.random()`.")
UUID = Rule("makes a random UUID", "Use `lctx.uuid()`.")
FILES = Rule("uses files", "Let a module do it, and call `gctx.modules`.")
SOCKETS = Rule("uses the network", "Let a module do it, and call `gctx.modules`.", deep=True)
PROCESSES = Rule("starts a process", "Let a module do it, and call `gctx.modules`.", deep=True)
THREADS = Rule("starts a thread", "Let a module do it, and call `gctx.modules`.", deep=True)
ORDER = Rule("waits for tasks in the order of their addresses", "Use `asyncio.gather`.")
SLEEP = Rule("sleeps", "Use `lctx.sleep()`.")

_FUNCTIONS: tuple[tuple[Rule, object, str], ...] = (
    (CLOCK, time, "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns"),
    (SLEEP, time, "sleep"),
    (CLOCK, dt.datetime, "now utcnow today"),
    (CLOCK, dt.date, "today"),
    (CHANCE, os, "urandom getrandom"),
    (CHANCE, random, "random getrandbits"),
    (FILES, builtins, "open"),
    (FILES, os, "open listdir scandir stat remove unlink rename replace mkdir rmdir"),
    (PROCESSES, os, "system fork posix_spawn posix_spawnp"),
)
"""Rule, owner, names of functions that are written in C."""
_CODES: tuple[tuple[Rule, object, str], ...] = (
    (CHANCE, secrets, "token_bytes token_hex token_urlsafe randbelow"),
    (CHANCE, random.SystemRandom, "random getrandbits randbytes"),
    (UUID, uuid, "uuid1 uuid4"),
    (FILES, pathlib.Path, "open read_text read_bytes write_text write_bytes unlink mkdir iterdir"),
    (SOCKETS, socket.socket, "__init__"),
    (SOCKETS, socket, "getaddrinfo"),
    (PROCESSES, subprocess.Popen, "__init__"),
    (THREADS, threading.Thread, "start"),
    (THREADS, asyncio, "to_thread"),
    (ORDER, asyncio, "wait as_completed"),
)
"""Rule, owner, names of functions that are written in Python."""


class Forbidden:
    """Finds the rule that a call breaks."""

    __slots__ = ("_codes", "_functions", "_random")

    def __init__(self) -> None:
        self._functions = {function: rule for rule, function in _found(_FUNCTIONS)}
        # By id and not by code object, whose hash reads all of the code.
        self._codes = {id(code): (rule, code) for rule, code in _python(_found(_CODES))}
        self._random = {id(code) for code in _of_random()}

    def function(self, function: object) -> Rule | None:
        """Return the rule against a function that is written in C."""
        return self._functions.get(function)

    def code(self, frame: FrameType) -> Rule | None:
        """Return the rule against what *frame*, just begun, runs."""
        number = id(frame.f_code)
        known = self._codes.get(number)
        if known is not None:
            return known[0]
        if number in self._random and _is_unseeded(frame):
            return CHANCE
        return None


@cache
def forbidden() -> Forbidden:
    """Return what finds rules; the same each time, for it depends on the interpreter alone."""
    return Forbidden()


def _found(table: Iterable[tuple[Rule, object, str]]) -> list[tuple[Rule, Any]]:
    return [
        (rule, getattr(owner, name))
        for rule, owner, names in table
        for name in names.split()
        if hasattr(owner, name)
    ]


def _python(functions: Iterable[tuple[Rule, Any]]) -> list[tuple[Rule, CodeType]]:
    codes = ((rule, getattr(function, "__code__", None)) for rule, function in functions)
    return [(rule, code) for rule, code in codes if isinstance(code, CodeType)]


def _of_random() -> list[CodeType]:
    """Return the methods of `random.Random`; of one instance they are the module's functions."""
    methods = vars(random.Random).values()
    return [method.__code__ for method in methods if hasattr(method, "__code__")]


def _is_unseeded(frame: FrameType) -> bool:
    """Say whether it is `random`'s own generator, or a new one without a seed."""
    given = frame.f_locals
    if frame.f_code.co_name == "__init__":
        return given.get("x") is None
    return given.get("self") is _SHARED


_SHARED = getattr(random.random, "__self__", None)
