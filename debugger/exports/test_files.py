"""A recorded request as a pytest file: the same request has to be answered the same (RP-6)."""

import json
import pprint
import re
from collections.abc import Iterator, Sequence
from typing import Any

from debugger.errors import BadInputError
from debugger.exports.hiding import HiddenPlace
from debugger.exports.lines import payload, text_of
from debugger.exports.page import title_of
from debugger.exports.recording import Recorded, Recording
from debugger.timeline import printable
from runtime.context import registry
from runtime.facts import ResponseSent

_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", re.ASCII)
_WIDTH = 96


def as_test(recording: Recording, app: str) -> bytes:
    """Return *recording* as a file of tests, one a request.

    Args:
        recording: at least one request, all of them answered.
        app: `module:app`, whose code answers.

    Raises:
        BadInputError: *app* is no such name, or a request was not answered.
    """
    if not _NAME.fullmatch(app):
        problem = f"{app[:80]!r} is no name of an app."
        raise BadInputError(problem, "Name it: --app module:app.")
    module, _, name = app.partition(":")
    hidden: dict[str, list[HiddenPlace]] = {}
    for place in recording.hidden:
        hidden.setdefault(place.request, []).append(place)
    tests = [
        _test(number, each, hidden.get(each.timeline.request_id, []))
        for number, each in enumerate(recording.requests, 1)
    ]
    imported = "app" if name == "app" else f"{name} as app"
    head = f"{_DOC}from {module} import {imported}\nfrom runtime.testing import RecordedRequest\n"
    return (head + "".join(tests)).encode("ascii")


_DOC = '''"""Recorded requests: today's code has to answer them as they were answered.

Written by `timescape export --as pytest`. Nothing is performed: time is virtual, and
effects get the answers of the record.
"""

'''


def _test(number: int, each: Recorded, hidden: Sequence[HiddenPlace]) -> str:
    timeline = each.timeline
    last = timeline.events[-1]
    if not isinstance(last.data, ResponseSent):
        problem = f"{timeline.request_id} was not answered: {each.summary.outcome}."
        raise BadInputError(problem, "A test needs an answer to compare; export it as jsonl.")
    suffix = f"_{number}"
    # They stand in a raw string between `'''`.
    lines = "\n".join(as_recorded(each)).replace("'", "\\u0027")
    return (
        f"\n\n# {_plain(title_of(each))}, {_plain(each.summary.outcome)}: {timeline.request_id}\n"
        f"RECORDED{suffix} = RecordedRequest.parse(r'''\n{lines}\n''')\n\n"
        f"{_given(suffix, hidden)}\n"
        f"BODY{suffix} = {_literal(payload(last).get('body'))}\n\n\n"
        f"def test_{_slug(each)}{suffix}() -> None:\n"
        f"    told = RECORDED{suffix}.run(app, GIVEN{suffix})\n\n"
        f"    assert told.status == {last.data.status}, told.story\n"
        f"    assert told.code == {last.data.code!a}, told.story\n"
        f"    assert told.body == BODY{suffix}, told.story\n"
    )


def as_recorded(each: Recorded) -> Iterator[str]:
    """Give a request as lines of JSON, which `runtime.testing.RecordedRequest` reads."""
    known = registry()
    yield text_of({"request": each.timeline.request_id})
    for event in each.timeline.events:
        fields = {
            "type": event.type, "schema": known.schema(event.type), "key": event.key,
            "at_us": event.at_us, "line": event.site, "data": payload(event),
        }  # fmt: skip
        yield text_of(fields)


def _given(suffix: str, hidden: Sequence[HiddenPlace]) -> str:
    """Write down what the record does not have, for a person to fill in."""
    rows = "".join(
        f"    # {_plain(json.dumps(place.pointer))}: ...,  # {place.how}\n"
        for place in hidden
        if place.revision == 1
    )
    if not rows:
        return f"GIVEN{suffix}: dict[str, object] = {{}}\n"
    return (
        "# Not recorded: code that reads such a value cannot be run again until it is given one.\n"
        f"GIVEN{suffix}: dict[str, object] = {{\n{rows}}}\n"
    )


def _slug(each: Recorded) -> str:
    words = f"{title_of(each)} {each.summary.outcome}".lower()
    return re.sub(r"[^a-z0-9]+", "_", words).strip("_")[:60].strip("_")


def _plain(text: str) -> str:
    """Return *text* as ASCII on one line."""
    return printable(text).encode("ascii", "backslashreplace").decode()


def _literal(value: Any) -> str:
    return ascii_literal(pprint.pformat(value, width=_WIDTH, sort_dicts=False))


def ascii_literal(text: str) -> str:
    """Return the source of a literal with what is not ASCII as escapes.

    In such source it stands in strings only.
    """
    return text if text.isascii() else "".join(_escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x80:
        return char
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
