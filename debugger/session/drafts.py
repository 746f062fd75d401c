"""Edits as a person writes them: what is other, and what it is instead (WI-1)."""

import decimal
import json
import re
from typing import Any

from debugger.errors import BadInputError
from debugger.session.again import AnswerEdit, DraftEdit, InputEdit, Live, StateEdit, Stub, Unset
from debugger.timeline import ABSENT, Timeline, is_hidden
from debugger.timeline.pointers import split
from eventstore import EventStoreError
from eventstore.values import decode, encode
from runtime.facts import EffectRequested, EffectReturned, RequestReceived

USAGE = (
    'Write `/total = 3.50`, `unset /note`, `input /body/sku = "tea"`, `answer 2 = {"net": 5}`, '
    "`stub bank.charge = true` (JSON, with quotes around text) or `live bank.charge`."
)
_STUB = re.compile(r"stub\s+([\w.]+)\s*=\s*(.+)", re.DOTALL)
_UNSET = re.compile(r"unset\s+(/.+)", re.DOTALL)
_LIVE = re.compile(r"live\s+([\w-]+\.\w+)")
_LINE = re.compile(r"(?:(input)\s+|(answer)\s+(\d{1,6})\s*|)(/\S*|/.*?)?\s*=\s*(.+)", re.DOTALL)


def draft_edit(text: str) -> DraftEdit:
    """Read one edit.

    Raises:
        BadInputError: it cannot be read.
    """
    if stub := _STUB.fullmatch(text.strip()):
        return Stub(stub[1], encode(read_value(f"stub {stub[1]}", stub[2])))
    if live := _LIVE.fullmatch(text.strip()):
        return Live(live[1])
    if unset := _UNSET.fullmatch(text.strip()):
        return Unset(tuple(split(unset[1])))
    match = _LINE.fullmatch(text.strip())
    if match is None or bool(match[2]) == bool(match[4]):
        problem = f"{text[:80]!r} does not say what changes."
        raise BadInputError(problem, USAGE)
    value = encode(read_value(match[4] or f"answer {match[3]}", match[5]))
    if match[2]:
        return AnswerEdit(int(match[3]), value)
    path = tuple(split(match[4]))
    return InputEdit(path, value) if match[1] else StateEdit(path, value)


def read_value(name: str, text: str, usage: str = USAGE) -> Any:
    """Read a value: JSON, with the envelopes of recorded values where JSON lacks something.

    Raises:
        BadInputError: it is none; *name* says of what, *usage* what to write instead.
    """
    try:
        tree = json.loads(text, parse_float=decimal.Decimal)
        return _decoded(tree)
    except (ValueError, RecursionError, EventStoreError) as error:
        problem = f"The value of {name[:80]!r} is no JSON: {text[:80]!r}."
        raise BadInputError(problem, usage) from error


def _decoded(tree: Any) -> Any:
    if isinstance(tree, dict):
        if any(key.startswith("$") for key in tree):
            return decode(json.loads(json.dumps(tree, default=str)))
        return {key: _decoded(value) for key, value in tree.items()}
    return [_decoded(item) for item in tree] if isinstance(tree, list) else tree


def suggested(timeline: Timeline, revision: int, path: str) -> str:
    """Return the line with which editing begins: the place in focus and its value."""
    if path:
        value = timeline.value_at(revision, path)
        return f"{path} = {_text('' if value is ABSENT else value)}"
    data = timeline.fact(revision).data if revision else None
    match data:
        case RequestReceived(body=body):
            return f"input /body = {_text(body)}"
        case EffectReturned(n=n, value=value):
            return f"answer {n} = {_text(value)}"
        case EffectRequested(n=n):
            return f"answer {n} = "
        case _:
            return ""


def _text(value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"$decimal"}:
        return str(value["$decimal"])  # a number in the place of a decimal is a decimal
    text = json.dumps(value, ensure_ascii=False)
    return "".join(json.dumps(char)[1:-1] if is_hidden(char) else char for char in text)
