"""Runs commands of `timescape` in this process and keeps what they said."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from debugger.cli import Output, main
from debugger.session import Session
from eventstore import Store
from tests.debugger.stores import START_US, CountedIds, Ticks


class Said(msgspec.Struct):
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """Its JSON objects."""
        return [json.loads(line) for line in self.out.splitlines()]


class OneStore:
    """Opens the one store it was given, whatever is asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @contextmanager
    def session(
        self, url: str, *, writable: bool = False, keyring: Path | None = None
    ) -> Iterator[Session]:
        write = (lambda: self._store) if writable else None
        yield Session(
            self._store,
            write=write,
            clock=Ticks(START_US + 3_600_000_000),
            ids=CountedIds(0xE000),
        )


def run(
    *words: str,
    store: Store | None = None,
    cells: int | None = None,
    environ: Mapping[str, str] | None = None,
    progress: bool = False,
) -> Said:
    """Run `timescape` with *words*, on *store* or on what they name."""
    out, err = io.StringIO(), io.StringIO()
    output = Output(out, err, as_json="--json" in words, cells=cells, progress=progress)
    stores = OneStore(store) if store is not None else None
    status = main(words, output=output, stores=stores, environ=environ or {})
    return Said(status, out.getvalue(), err.getvalue())
