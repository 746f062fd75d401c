"""Looks at an installation, check by check; writes nothing."""

import importlib.util
import os
import platform
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Self

import msgspec

from eventstore import EventStoreError

LEAST_PYTHON = (3, 11)
LEAST_CELLS = (80, 24)
_SQLITE = "sqlite:///"
_NEEDED = {"serve (granian)": "granian", "screen (textual)": "textual"}
_OPTIONAL = {
    "uvicorn": ("uvicorn", "pip install uvicorn, to serve under it"),
    "opentelemetry": ("opentelemetry.sdk", "pip install 'timescape[otel]', to send traces"),
    "keyring": ("keyring", "pip install 'timescape[keyring]', for secrets of the system's keyring"),
    "vault (hvac)": ("hvac", "pip install 'timescape[vault]', for secrets of Vault"),
    "aws (boto3)": ("boto3", "pip install 'timescape[aws]', for secrets of AWS Secrets Manager"),
}


class Verdict(Enum):
    """What a check came to."""

    OK = "ok"
    WARN = "warn"
    ABSENT = "absent"
    FAIL = "fail"


class Check(msgspec.Struct, frozen=True):
    """One check."""

    name: str
    verdict: Verdict
    found: str
    remedy: str = ""


class Place(msgspec.Struct, frozen=True):
    """Where we run."""

    store: str
    python: tuple[int, int, int]
    installed: Callable[[str], bool]
    """Says whether a module can be imported."""
    environ: Mapping[str, str]
    cells: tuple[int, int] | None
    """Width and height of the terminal; None: there is none."""
    encoding: str

    @classmethod
    def here(cls, store: str) -> Self:
        """Look around."""
        cells = tuple(os.get_terminal_size()) if sys.stdout.isatty() else None
        return cls(
            store=store,
            python=sys.version_info[:3],
            installed=_is_installed,
            environ=os.environ,
            cells=None if cells is None else (cells[0], cells[1]),
            encoding=sys.stdout.encoding or "ascii",
        )


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def examine(place: Place) -> list[Check]:
    """Run all checks, in the order in which one needs the other."""
    found = [_python(place), _sqlite(), _writable(place), _tables(place), _driver(place)]
    found += [_needed(place, name, module) for name, module in _NEEDED.items()]
    found.append(_terminal(place))
    found += [
        _optional(place, name, module, remedy) for name, (module, remedy) in _OPTIONAL.items()
    ]
    return found


def _python(place: Place) -> Check:
    shown = f"{platform.python_implementation()} {'.'.join(map(str, place.python))}"
    if place.python[:2] < LEAST_PYTHON:
        return Check("python", Verdict.FAIL, shown, "Install Python 3.11 or newer.")
    return Check("python", Verdict.OK, shown)


def _sqlite() -> Check:
    from eventstore.sql import sqlite_safety  # noqa: PLC0415 - no other command needs it

    version, is_safe = sqlite_safety()
    if is_safe:
        return Check("sqlite", Verdict.OK, version)
    remedy = (
        "Before 3.51.3 two connections that checkpoint may damage a file. Timescape checkpoints "
        "with one; let no other program write to the store."
    )
    return Check("sqlite", Verdict.WARN, version, remedy)


def _writable(place: Place) -> Check:
    """Say whether the store's file, or the folder it would be made in, may be written."""
    if not place.store.startswith(_SQLITE):
        return Check("store", Verdict.OK, "a server: its tables are looked at next")
    path = Path(place.store.removeprefix(_SQLITE))
    folder = path.absolute().parent
    if path.exists():
        if os.access(path, os.W_OK) and os.access(folder, os.W_OK):
            return Check("store", Verdict.OK, f"{path} can be written")
        remedy = "Give this user the right to write the file and its folder, or name another."
        return Check("store", Verdict.FAIL, f"{path} cannot be written", remedy)
    if folder.is_dir() and os.access(folder, os.W_OK):
        return Check("store", Verdict.OK, f"{path} is not there yet; it can be made")
    remedy = "Make the folder, or name another store: --store URL."
    return Check("store", Verdict.FAIL, f"{path} cannot be made", remedy)


def _tables(place: Place) -> Check:
    """Say whether the store's tables are what this Timescape expects."""
    from eventstore import sql  # noqa: PLC0415 - see above
    from runtime.effects import system_clock  # noqa: PLC0415

    try:
        checked = sql.check(place.store, clock=system_clock)
    except EventStoreError as error:
        if error.code == "no-such-store" and place.store.startswith(_SQLITE):
            return Check("tables", Verdict.ABSENT, "the store is made when it is first used")
        return Check("tables", Verdict.FAIL, error.problem, error.remedy)
    shown = f"{checked.state}, revision {checked.revision}"
    if checked.state == "current":
        warning = " ".join(checked.warnings)
        return Check("tables", Verdict.WARN if warning else Verdict.OK, shown, warning)
    remedies = {"behind": "Run `timescape db upgrade`.", "newer": "Install a newer Timescape."}
    remedy = remedies.get(checked.state, "`timescape db check` shows what differs.")
    return Check("tables", Verdict.FAIL, shown, remedy)


def _driver(place: Place) -> Check:
    if place.installed("psycopg"):
        return Check("postgresql driver", Verdict.OK, "psycopg")
    verdict = Verdict.ABSENT if place.store.startswith(_SQLITE) else Verdict.FAIL
    remedy = "pip install 'timescape[postgres]', for stores in PostgreSQL"
    return Check("postgresql driver", verdict, "not installed", remedy)


def _needed(place: Place, name: str, module: str) -> Check:
    if place.installed(module):
        return Check(name, Verdict.OK, "installed")
    return Check(name, Verdict.FAIL, "not installed", "Install timescape again.")


def _optional(place: Place, name: str, module: str, remedy: str) -> Check:
    if place.installed(module):
        return Check(name, Verdict.OK, "installed")
    return Check(name, Verdict.ABSENT, "not installed", remedy)


def _terminal(place: Place) -> Check:
    """Say whether `timescape debug` has a screen to draw on."""
    if place.cells is None:
        return Check("terminal", Verdict.ABSENT, "none", "`timescape debug` needs one.")
    width, height = place.cells
    shown = f"{width} by {height}, {place.environ.get('TERM') or 'no TERM'}, {place.encoding}"
    faults = []
    if place.environ.get("TERM", "") in {"", "dumb"}:
        faults.append("Set TERM to what the terminal is, such as xterm-256color.")
    if width < LEAST_CELLS[0] or height < LEAST_CELLS[1]:
        faults.append("Make it at least 80 by 24.")
    if place.encoding.lower().replace("-", "") != "utf8":
        faults.append("Use a UTF-8 locale: other signs are shown escaped.")
    verdict = Verdict.WARN if faults else Verdict.OK
    return Check("terminal", verdict, shown, " ".join(faults))
