"""What a command says: data on stdout, talk on stderr.

Data is a table for people or, with `--json`, an object a line with its `kind`. Recorded
text never reaches a terminal as it is: tables show it through `printable`, JSON escapes
the same characters.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

import msgspec

from debugger.timeline import ABSENT, fit, is_hidden, printable, shown, width

_GAP = "  "
_LEAST = 8
"""Cells a column that can be cut keeps at least."""


class Column(msgspec.Struct, frozen=True):
    """A column of a table, and the field of that name in JSON."""

    name: str
    right: bool = False
    """Whether numbers in it are aligned to the right."""
    cut: bool = False
    """Whether it may lose its end on a narrow terminal."""


class Output:
    """Where a command's words go.

    Args:
        out: data.
        err: talk and progress.
        as_json: one object a line instead of tables.
        cells: width of the terminal that data goes to; None: no terminal, nothing is cut.
        progress: whether talk goes to a terminal, so that progress may be drawn there.
    """

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        *,
        as_json: bool = False,
        cells: int | None = None,
        progress: bool = False,
    ) -> None:
        self._out = out
        self._err = err
        self.as_json = as_json
        self.cells = cells
        self._progress = progress
        self._drawn = 0

    def line(self, text: str) -> None:
        """Write a line of data, already printable."""
        self._out.write(text + "\n")

    def record(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Write one JSON object; absent fields are left out."""
        there = {name: value for name, value in fields.items() if value is not ABSENT}
        self.line(json_line({"kind": kind, **there}))

    def table(
        self,
        kind: str,
        columns: Sequence[Column],
        rows: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]],
        *,
        header: bool = True,
    ) -> int:
        """Write rows, each as JSON fields and as cells; say how many there were.

        Cells are shown as they are if they are text, else as values are.
        """
        if self.as_json:
            count = 0
            for fields, _ in rows:
                self.record(kind, fields)
                count += 1
            return count
        cells = [[cell_text(shown_row.get(c.name)) for c in columns] for _, shown_row in rows]
        for text in layout(columns, cells, self.cells, header=header):
            self.line(text)
        return len(cells)

    def say(self, text: str) -> None:
        """Tell the person something; no part of the data."""
        self._clear()
        self._err.write("\n".join(map(printable, text.split("\n"))) + "\n")

    def progress(self, label: str, done: int, total: int) -> None:
        """Draw how far long work is, over what was drawn before; only on a terminal."""
        if not self._progress:
            return
        share = 100 * done // total if total else 100
        text = f"{label} {share} % ({done} of {total})"
        self._err.write("\r" + text.ljust(self._drawn))
        self._err.flush()
        self._drawn = len(text)

    def _clear(self) -> None:
        if self._drawn:
            self._err.write("\r" + " " * self._drawn + "\r")
            self._drawn = 0

    def flush(self) -> None:
        """Push out what was written."""
        self._clear()
        self._out.flush()
        self._err.flush()


def standard_output(*, as_json: bool) -> Output:
    """Return the output of this process."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # What the locale cannot show is escaped; it must not end the command.
            stream.reconfigure(errors="backslashreplace")
    cells = None
    if sys.stdout.isatty():
        cells = int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size().columns
    return Output(
        sys.stdout, sys.stderr, as_json=as_json, cells=cells or None, progress=sys.stderr.isatty()
    )


def counted(count: int, noun: str) -> str:
    """Return *count* with its *noun*, which takes an s in the plural."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def cell_text(cell: Any) -> str:
    """Return a cell as people see it; text stands for itself."""
    if cell is None:
        return ""
    return printable(cell) if isinstance(cell, str) else shown(cell)


def layout(
    columns: Sequence[Column], rows: list[list[str]], cells: int | None, *, header: bool
) -> Iterable[str]:
    """Lay out a table; columns that may be cut share what room is left."""
    lines = [[column.name for column in columns], *rows] if header else rows
    widths = [max((width(line[i]) for line in lines), default=0) for i in range(len(columns))]
    if cells is not None:
        widths = _narrowed(columns, widths, cells)
    for line in lines:
        padded = [
            _padded(fit(text, room), room, right=column.right)
            for text, room, column in zip(line, widths, columns, strict=True)
        ]
        yield _GAP.join(padded).rstrip()


def _narrowed(columns: Sequence[Column], widths: list[int], cells: int) -> list[int]:
    """Take the excess from the widest column that may be cut, one cell after the other."""
    narrowed = list(widths)
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - cells
    elastic = [i for i, column in enumerate(columns) if column.cut]
    while excess > 0 and elastic:
        widest = max(elastic, key=lambda i: narrowed[i])
        if narrowed[widest] <= _LEAST:
            break
        narrowed[widest] -= 1
        excess -= 1
    return narrowed


def _padded(text: str, room: int, *, right: bool) -> str:
    blanks = " " * max(room - width(text), 0)
    return blanks + text if right else text + blanks


def json_line(value: Any) -> str:
    """Return *value* as JSON on one line, whatever would not be printable escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    if text.isascii() and text.isprintable():
        return text
    return _NOT_ASCII.sub(lambda match: _escaped(match[0]), text)


_NOT_ASCII = re.compile(r"[^ -~]")


def _escaped(char: str) -> str:
    if not is_hidden(char):
        return char
    code = ord(char)
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\u{0xD800 + (code - 0x10000 >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
