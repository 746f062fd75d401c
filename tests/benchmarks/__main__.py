"""`make bench`: run the benchmarks and write the table, for people and for `docs/benchmarks.md`.

Each module `bench_*.py` of this folder has `rows()`, which gives the lines of the table.
Named on the command line (`python -m tests.benchmarks store http`) only those run. One that
fails is told, and does not take the others with it.
"""

import importlib
import os
import platform
import sqlite3
import sys
import time
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks.measure import Missing, Row, tell

PEERS = (
    "granian", "cadwyn", "eventsourcing", "fastapi", "langgraph-checkpoint-sqlite", "litestar",
    "msgspec", "sqlalchemy", "textual",
)  # fmt: skip


def modules(asked: list[str]) -> list[str]:
    known = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    unknown = [name for name in asked if f"bench_{name}" not in known]
    if unknown:
        there = ", ".join(name.removeprefix("bench_") for name in known)
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are: {there}.")
    return [name for name in known if not asked or name.removeprefix("bench_") in asked]


def machine() -> str:
    found = []
    for peer in PEERS:
        try:
            found.append(f"{peer} {version(peer)}")
        except PackageNotFoundError:
            continue
    return (
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores; {', '.join(found)}."
    )


def figure(number: float) -> str:
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.2f}" if number < 10 else f"{number:.1f}"


def compared(row: Row) -> str:
    bar = "" if row.bar is None else f"≥ {row.bar:g}"
    holds = "" if row.bar is None else "holds" if row.holds else "**missed**"
    return (
        f"| {row.what} | {figure(row.ours)} {row.unit} | {row.peer} "
        f"| {figure(row.theirs)} {row.unit} | **{figure(row.ratio)}** "
        f"| {figure(row.low)}, {figure(row.high)} | {bar} | {holds} |"
    )


def limited(row: Row) -> str:
    """Write a row that is measured against a limit: its unit is that of the last columns too."""
    holds = "holds" if row.holds else "**missed**"
    theirs = f"{figure(row.theirs)} {row.unit}" if row.peer else ""
    return (
        f"| {row.what} | **{figure(row.ours)} {row.unit}** | {row.peer} | {theirs} | "
        f"| {figure(row.low)}, {figure(row.high)} {row.unit} | ≤ {row.limit:g} {row.unit} "
        f"| {holds} |"
    )


def line(row: Row | Missing) -> str:
    if isinstance(row, Missing):
        return f"| {row.what} | unavailable: {row.reason} | | | | | | |"
    return limited(row) if row.limit is not None else compared(row)


def table(rows: list[Row | Missing]) -> str:
    lines = [
        "| what | ours | peer | theirs | ratio | lowest, highest | bar | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [line(row) for row in rows]
    notes = [f"- {row.what}: {row.note}" for row in rows if isinstance(row, Row) and row.note]
    return "\n".join(lines) + "\n" + ("\n" + "\n".join(notes) + "\n" if notes else "")


def measured(name: str) -> list[Row | Missing]:
    """Run one module; what ends it is a row, and the others go on."""
    try:
        found: list[Row | Missing] = importlib.import_module(f"tests.benchmarks.{name}").rows()
    except Exception as error:  # noqa: BLE001 - whatever it is, hours of others are not lost
        traceback.print_exc()
        what = name.removeprefix("bench_").replace("_", " ")
        return [Missing(what, f"{type(error).__name__}: {error}"[:200], holds=False)]
    return found


def main() -> int:
    rows: list[Row | Missing] = []
    chosen, began = modules(sys.argv[1:]), time.monotonic()
    for number, name in enumerate(chosen, 1):
        sys.stderr.write(
            f"[{number}/{len(chosen)}] {name.removeprefix('bench_')}"
            f" (after {time.monotonic() - began:.0f} s)\n"
        )
        rows += measured(name)
        tell("")
    sys.stdout.write(f"{machine()}\n\n{table(rows)}")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
