"""Rows of screen 8: a gate, a request that is held, one that came."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from debugger.session import RequestSummary
from debugger.session.again import StateEdit
from debugger.timeline import ABSENT, printable, shown
from debugger.timeline.pointers import join, lookup
from debugger.tui.cells import Cells, column
from debugger.tui.wording import clock_text, last_name
from eventstore import StreamId
from runtime import request_ids
from runtime.gates import GateView, PauseView

Row: TypeAlias = GateView | PauseView | RequestSummary | str
"""A text: why there are no gates."""


def cells_of(row: Row, edits: int) -> Cells:
    """Show a row; of a request that is held, with so many edits drafted."""
    if isinstance(row, str):
        return [(row, "dim")]
    if isinstance(row, GateView):
        return _gate_cells(row)
    if isinstance(row, PauseView):
        return _pause_cells(row, edits)
    return [
        (f"{clock_text(row.started_us)}  {row.short_id}  ", "dim"),
        (column(printable((row.route or f"{row.method} {row.path}")[:200]), 32), ""),
        (f"  {printable(row.outcome[:40])}", "failed" if row.failed else ""),
    ]


def _pause_cells(row: PauseView, edits: int) -> Cells:
    caller = row.caller if isinstance(row.caller, str) else f"{row.caller:.0f} s"
    return [
        ("paused  ", "orange"),
        (f"req-{row.request[-6:]}  ", "strong"),
        (column(point_text(row.point), 34), ""),
        (f"  {row.left:.0f} s left", "orange"),
        (f"  caller {caller}  by {printable(row.by[:40])}", "dim"),
        (f"  {edits} edit{'s' if edits > 1 else ''} " if edits else "", "blue"),
    ]


def point_text(point: str) -> str:
    """Write a point in few cells: of a hook the file does not count, of an effect the module."""
    kind, _, name = point.partition(" ")
    short = printable(name) if kind.startswith("effect") else last_name(name)
    return f"{printable(kind)} {short}".rstrip()


def draft_cells(values: Mapping[str, Any], edit: StateEdit, to: str) -> Cells:
    """Show what *edit* makes of *values* (GA-9); *to* stands between before and after."""
    before = lookup(values, edit.path)
    was = "" if before is ABSENT else f"{shown(before, 60)} {to} "
    return [
        ("+ " if before is ABSENT else "~ ", "blue"),
        (column(printable(join(edit.path)), 24), ""),
        (was, "dim"),
        (shown(edit.value, 60), "blue"),
    ]


def stream_of(pause: PauseView) -> StreamId:
    """Return the stream of a held request."""
    return request_ids.stream_of(pause.request)


def key_of(row: Row) -> str:
    """Return what a row is known by when all is read again."""
    if isinstance(row, str):
        return row
    if isinstance(row, RequestSummary):
        return row.request_id
    return row.pause if isinstance(row, PauseView) else row.gate


def _gate_cells(row: GateView) -> Cells:
    match = " ".join(f"{name}:{text}" for name, text in row.match.items())
    return [
        ("gate    ", "blue"),
        (f"{row.gate}  ", "strong"),
        (printable(f"{match} {row.when}".strip()[:60]), ""),
        (f"  hits {row.hits}, holds {row.paused}", ""),
        (f"  by {printable(row.by[:40])}", "dim"),
    ]


def about_gate(row: Row) -> list[Cells]:
    """Tell more of a gate."""
    if isinstance(row, str):
        return [[(row, "dim")]]
    if not isinstance(row, GateView):
        return []
    return [[(f"It holds at most {row.cap} at once, each for {row.hold:g} s.", "dim")]]
