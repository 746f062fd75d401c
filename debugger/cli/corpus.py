"""`timescape replay` of several requests: a row each, then groups (CL-9, RP-3, RP-4)."""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from debugger.cli import rerunning
from debugger.cli.command import Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output, counted
from debugger.corpus import DIFFER, Corpus, Group, Row, grouped, run_all
from debugger.errors import BadInputError, NotFoundError
from debugger.session import Session
from eventstore import StreamId
from runtime.replay import Options

COLUMNS = (
    Column("request"), Column("recorded"), Column("replayed"), Column("verdict"),
    Column("first divergence", cut=True),
)  # fmt: skip
GROUPS = (
    Column("requests", right=True), Column("verdict"), Column("difference"), Column("fact"),
    Column("name", cut=True), Column("path", cut=True), Column("recorded"), Column("replayed"),
    Column("example"),
)  # fmt: skip
_OF_ONE = ("set", "answer", "input", "live", "trace", "keep")


def is_asked(arguments: argparse.Namespace) -> bool:
    """Say whether more than one request is meant."""
    return bool(arguments.where) or len(arguments.requests) > 1


def replay(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Run requests again, say what became of each, and in which ways they differ."""
    _check(arguments)
    rows: list[Row] = []
    interrupted = False
    try:
        output.table("replay", COLUMNS, _heard(_rows(arguments, stores, output), rows))
    except KeyboardInterrupt:
        interrupted = True
        output.say(f"Interrupted; {len(rows)} are done.")
    groups = grouped(rows)
    output.table("group", GROUPS, map(_group_row, groups))
    output.say(_summary(rows))
    return Exit.INTERRUPTED if interrupted else _exit(rows)


def _check(arguments: argparse.Namespace) -> None:
    if arguments.requests and arguments.where:
        problem = "Requests by name and by --where are two ways to say which."
        raise BadInputError(problem, "Give one of them.")
    given = [f"--{name}" for name in _OF_ONE if getattr(arguments, name)]
    if given:
        problem = f"{', '.join(given)} change one request, and several are meant."
        raise BadInputError(problem, "Name one request, or leave them out.")
    if not arguments.app:
        rerunning.app_of(arguments)


def _rows(arguments: argparse.Namespace, stores: Stores, output: Output) -> Iterator[Row]:
    with stores.session(arguments.store) as session:
        streams = _streams(session, arguments)
    options = Options(version=arguments.version, stubs=rerunning.stubs_of(arguments))
    corpus = Corpus(arguments.app, partial(stores.session, arguments.store), options, streams)
    for done, row in enumerate(run_all(corpus, jobs=arguments.jobs), 1):
        output.progress("replay", done, len(streams))
        yield row


def _streams(session: Session, arguments: argparse.Namespace) -> Sequence[StreamId]:
    if not arguments.where:
        return list(dict.fromkeys(session.find(text) for text in arguments.requests))
    found = session.matching(arguments.where)
    if not found:
        problem = f"No request matches {arguments.where[:80]!r}."
        raise NotFoundError(problem, "`timescape requests FILTER` shows what does.")
    return found


def _heard(
    rows: Iterable[Row], heard: list[Row]
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for row in rows:
        heard.append(row)
        first = (
            f"#{row.index} {row.difference} {row.fact} {row.name}{row.path}"
            if row.difference
            else ""
        )
        cells = {
            "request": row.request, "recorded": row.recorded, "replayed": row.replayed,
            "verdict": row.verdict, "first divergence": first.rstrip() or row.problem,
        }  # fmt: skip
        yield msgspec.structs.asdict(row), cells


def _group_row(group: Group) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    fields = msgspec.structs.asdict(group)
    return fields, {**fields, "requests": str(group.count), "name": group.name or group.problem}


def _summary(rows: Sequence[Row]) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.verdict] = counts.get(row.verdict, 0) + 1
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    return f"{counted(len(rows), 'request')}: {told or 'none'}."


def _exit(rows: Sequence[Row]) -> Exit:
    verdicts = {row.verdict for row in rows}
    if verdicts & DIFFER:
        return Exit.DIVERGED
    if "same" in verdicts:
        return Exit.OK if verdicts == {"same"} else Exit.PARTIAL
    return Exit.NOT_REPLAYABLE
