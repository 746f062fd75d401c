"""`timescape bisect`: the first version that answers a request otherwise (CL-10, RP-5)."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from debugger.cli import rerunning
from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output, json_line
from debugger.corpus import Bisection, Probe
from debugger.corpus import bisect as search
from debugger.errors import BadInputError
from eventstore import Event
from runtime.errors import NotReplayableError, ReplayLimitError, UnknownVersionError
from runtime.facts import ResponseSent
from runtime.manifests.comparing import compare
from runtime.replay import Library, Options, Replay, run_again
from runtime.replay.divergence import plain

COLUMNS = (Column("version"), Column("verdict"), Column("answer"), Column("problem", cut=True))
CHANGES = (Column("change", cut=True),)


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("request", metavar="REQUEST", help="id, or its last 4 digits or more")
    parser.add_argument("--good", metavar="V", help="answers well (default: the oldest)")
    parser.add_argument("--bad", metavar="V", help="does not (default: the newest)")
    parser.add_argument(
        "--on", choices=("answer", "status"), default="answer",
        help="what counts: the whole answer, or its status and code",
    )  # fmt: skip
    parser.add_argument(
        "--app", metavar="MODULE:APP", help="whose code runs (default: $TIMESCAPE_APP)"
    )
    parser.add_argument(
        "--stub", action="append", default=[], metavar="NAME=JSON",
        help="an answer for calls that the record does not have",
    )  # fmt: skip


def bisect(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Find the first version of a handler that answers a request otherwise."""
    app, stubs = rerunning.app_of(arguments), rerunning.stubs_of(arguments)
    with stores.session(arguments.store) as session:
        events = tuple(session.store.read(session.find(arguments.request)))
        library = Library(app, session.store)

        def run(version: str) -> Probe:
            options = Options(version=version, stubs=stubs, on_divergence="fork")
            try:
                replay = run_again(library, events, options, fork=session.new_request())
            except (NotReplayableError, UnknownVersionError, ReplayLimitError) as error:
                return Probe(version, problem=error.problem)
            return _probe(version, replay, whole=arguments.on == "answer")

        line = _line(library, events, arguments.good, arguments.bad)
        found = search(line, run)
        changes = _type_changes(library, found.last_good, found.first_bad)
    return _tell(found, changes, output)


def _probe(version: str, replay: Replay, *, whole: bool) -> Probe:
    if replay.unavailable:
        names = ", ".join(replay.unavailable)
        return Probe(version, problem=f"There was no answer for {names}: give one with --stub.")
    sent = replay.facts[-1].data if replay.facts else None
    if not isinstance(sent, ResponseSent):
        return Probe(version, problem="It did not run to its end.")
    shown = f"{sent.status} {sent.code or ''}".rstrip()
    body = _without_instance(plain(sent).get("body"))
    return Probe(version, json_line([shown, body]) if whole else shown, shown)


def _without_instance(body: Any) -> Any:
    """Leave out the id of the request, which each run has of its own."""
    return {k: v for k, v in body.items() if k != "instance"} if isinstance(body, dict) else body


def _line(
    library: Library, events: Sequence[Event], good: str | None, bad: str | None
) -> list[str]:
    """Return the handler's versions from the good end to the bad one.

    Raises:
        UnknownVersionError: an end is none of them.
        BadInputError: there are not two.
    """
    handler = events[0].data.handler
    routes = library.known.handlers.get(handler)
    versions = routes.line if routes else ()
    ids = [str(each.id) for each in versions]
    named = {each.edition or "": str(each.id) for each in versions} | {each: each for each in ids}

    def place(asked: str | None, default: int) -> int:
        if asked is None:
            return default
        if asked not in named:
            problem = f"The line of {handler or 'no handler'} has no version {asked[:80]}."
            raise UnknownVersionError(problem, "`timescape versions` lists them.")
        return ids.index(named[asked])

    first, last = place(good, 0), place(bad, len(ids) - 1)
    if first == last or not ids:
        problem = f"There are not two versions of {handler or 'no handler'} to compare."
        raise BadInputError(problem, "Name two others: --good V --bad V.")
    return ids[first : last + 1] if first < last else ids[last : first + 1][::-1]


def _type_changes(library: Library, good: str, bad: str) -> list[Mapping[str, Any]]:
    """Return what the first bad version declares otherwise than the last good one."""
    manifests = []
    for version in (good, bad):
        found = [
            declared.manifest
            for routes in library.known
            for each in routes.line
            for declared in library.parts.declared
            if str(each.id) == version and declared.fingerprint == each.fingerprint
        ]
        if not found or found[0] is None:
            return []
        manifests.append(msgspec.structs.replace(found[0], version=""))
    return [
        {"verdict": change.verdict.name.lower(), "reason": reason}
        for change in compare((manifests[0],), (manifests[1],))
        for reason in change.reasons
    ]


def _tell(found: Bisection, changes: Sequence[Mapping[str, Any]], output: Output) -> Exit:
    rows = []
    for each in found.probes.values():
        verdict = _verdict(found, each)
        fields = {"version": each.version, "verdict": verdict, "answer": each.shown,
                  "problem": each.problem or None}  # fmt: skip
        rows.append((fields, {**fields, "problem": each.problem}))
    output.table("probe", COLUMNS, rows)
    if found.verdict != "found":
        told = "Both ends answer the same." if found.verdict == "same" else "An end cannot be run."
        output.say(told)
        return Exit.OK if found.verdict == "same" else Exit.NOT_REPLAYABLE
    if output.as_json:
        output.record("first-bad", {
            "version": found.first_bad, "last_good": found.last_good, "monotone": found.monotone,
            "skipped": list(found.skipped), "changes": list(changes),
        })  # fmt: skip
    output.say(f"First bad: {found.first_bad}, after {found.last_good}.")
    for change in changes:
        output.say(f"{change['verdict']}: {change['reason']}")
    if not found.monotone:
        output.say("Not monotone: a version between them answers as neither end does.")
    if found.skipped:
        output.say(f"Skipped, for they cannot be run: {', '.join(found.skipped)}.")
    return Exit.DIFFERENT


def _verdict(found: Bisection, probe: Probe) -> str:
    if probe.problem:
        return "skipped" if found.verdict == "found" else "not-replayable"
    first = next(iter(found.probes.values()))
    return "good" if probe.answer == first.answer else "bad"


COMMAND = Command(
    "bisect",
    "find the first version that answers a request otherwise",
    """Run a recorded request by versions of its handler, as `timescape replay` does, and find the
first that answers otherwise than the good end: both ends first, then halfway. Versions whose code
the app does not have are skipped. It prints what was tried, the first bad version and what it
declares otherwise than the one before; it ends with 1 (different) if there is one.

examples:
  timescape bisect 9f31c2 --app shop:app
  timescape bisect 9f31c2 --app shop:app --good 2026-03-01 --bad 2026-10-01 --on status
""",
    _declare,
    bisect,
    (Exit.DIFFERENT, Exit.NOT_FOUND, Exit.NOT_REPLAYABLE, Exit.PARTIAL),
    wants_app=True,
)
