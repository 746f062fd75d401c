"""What `timescape fork` does with forks that there are: list, name, remove (WI-3)."""

import argparse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from debugger.cli.confirming import confirmed
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output
from debugger.cli.restore import user
from debugger.errors import BadInputError
from debugger.session import Session, request_id
from debugger.session.forks import Fork, fork_tree, name_fork, remove_fork
from eventstore import StreamId

COLUMNS = (
    Column("fork"),
    Column("parent"),
    Column("at", right=True),
    Column("edits", right=True),
    Column("outcome"),
)
LISTED = (*COLUMNS, Column("name", cut=True), Column("how"), Column("by", cut=True))
NAMED = (Column("fork"), Column("parent"), Column("name", cut=True))
REMOVED = (Column("fork"), Column("parent"), Column("told at", right=True))
_WORD = "remove"


def print_forks(session: Session, stream: StreamId, output: Output) -> Exit:
    """Print all that was forked from a request, and from its forks."""
    forks = [each for each in _below(fork_tree(session, stream), stream) if each.at is not None]
    if not forks:
        output.say(f"Nothing was forked from {request_id(stream)}.")
        return Exit.OK
    output.table("fork", LISTED, map(_row, forks))
    return Exit.OK


def _below(tree: list[Fork], stream: StreamId) -> Iterator[Fork]:
    """Give those of *tree* that stand below *stream*."""
    depth: int | None = None
    for each in tree:
        if depth is not None and each.depth <= depth:
            return
        if depth is not None:
            yield each
        elif each.summary.stream == stream:
            depth = each.depth


def _row(fork: Fork) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    of = fork.summary
    parent = request_id(of.parent) if of.parent else ""
    fields = {
        "fork": of.request_id, "request": parent, "at": fork.at, "edits": fork.edits,
        "outcome": of.outcome, "name": fork.name or None, "how": fork.how, "by": fork.by or None,
    }  # fmt: skip
    cells = {
        "fork": of.request_id, "parent": parent, "at": f"#{fork.at}", "edits": str(fork.edits),
        "outcome": of.outcome, "name": fork.name, "how": fork.how, "by": fork.by,
    }  # fmt: skip
    return fields, cells


def name(session: Session, arguments: argparse.Namespace, output: Output) -> Exit:
    """Call a fork by another name."""
    fork = session.find(arguments.request)
    name_fork(session, fork, arguments.name, by=arguments.by or user())
    told = {"fork": request_id(fork), "name": arguments.name.strip()}
    parent = _parent_of(session, fork)
    output.table("named", NAMED, [({**told, "request": parent}, {**told, "parent": parent})])
    return Exit.OK


def remove(
    session: Session,
    arguments: argparse.Namespace,
    output: Output,
    answer: Callable[[], str | None],
) -> Exit:
    """Drop a fork for good, once it is confirmed."""
    if not arguments.reason:
        problem = "What is removed is gone for good, and the log keeps why."
        raise BadInputError(problem, "Add --reason TEXT.")
    fork = session.find(arguments.request)
    parent = _parent_of(session, fork)
    output.say(f"What only {request_id(fork)} says is dropped for good.")
    if not arguments.yes and not confirmed(_WORD, output, answer):
        output.say("Nothing was removed.")
        return Exit.WRITE_REFUSED
    at = remove_fork(session, fork, by=arguments.by or user(), reason=arguments.reason)
    told = {"fork": request_id(fork)}
    fields = {**told, "request": parent, "position": at}
    output.table("removed", REMOVED, [(fields, {**told, "parent": parent, "told at": str(at)})])
    return Exit.OK


def _parent_of(session: Session, fork: StreamId) -> str:
    parent = session.store.head(fork).parent
    return request_id(parent) if parent is not None else ""
