"""Lines made of pieces of text with roles, cut and filled to an exact width.

Everything that reaches a screen from the log comes through here as text that
`printable` returned: nothing is ever read as markup (RN-3).
"""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from rich.segment import Segment
from textual.strip import Strip

from debugger.timeline import fit, width
from debugger.tui.look import Look

Cell: TypeAlias = tuple[str, str]
"""Text and its role."""
Cells: TypeAlias = Sequence[Cell]


def column(text: str, cells: int, *, right: bool = False, more: str = "…") -> str:
    """Cut or fill *text* to exactly *cells*."""
    cut = fit(text, cells, more=more)
    fill = " " * (cells - width(cut))
    return fill + cut if right else cut + fill


def width_of(cells: Cells) -> int:
    """Return how many cells of the terminal they take."""
    return sum(width(text) for text, _ in cells)


def cut_cells(cells: Iterable[Cell], room: int, more: str) -> list[Cell]:
    """Return what of *cells* fits into *room*."""
    kept: list[Cell] = []
    for text, role in cells:
        needed = width(text)
        if needed > room:
            kept.append((fit(text, room, more=more), role))
            break
        kept.append((text, role))
        room -= needed
    return kept


def spread(left: Cells, right: Cells, room: int, more: str, fill: str = " ") -> list[Cell]:
    """Put *left* and *right* at the ends of a line; where both do not fit, *left* is cut."""
    reserved = width_of(right)
    if reserved > room:
        return cut_cells(right, room, more)
    kept = cut_cells(left, room - reserved, more)
    gap = room - reserved - width_of(kept)
    role = "dim" if fill != " " else ""
    return [*kept, (fill * gap, role), *right]


def strip(cells: Cells, room: int, look: Look, ground: str = "", only: str | None = None) -> Strip:
    """Draw *cells* on a line of *room* cells.

    Args:
        cells: cut where they do not fit.
        room: the line's width.
        look: gives the styles.
        ground: behind the whole line.
        only: one role for all, whatever theirs are.
    """
    kept = cut_cells(cells, room, look.glyphs.cut)
    segments = [
        Segment(text, look.style(role if only is None else only, ground))
        for text, role in kept
        if text
    ]
    rest = room - width_of(kept)
    if rest > 0:
        segments.append(Segment(" " * rest, look.style("", ground)))
    return Strip(segments, room)


def wrap_cells(cells: Cells, room: int, most: int) -> list[list[Cell]]:
    """Break a line into at most *most* of *room* cells; the later ones stand under its text.

    The first piece is the line's name, if another follows: nothing else is written below it.
    """
    if width_of(cells) <= room or room < 24:
        return [list(cells)]
    indent = width_of(cells[:1]) if len(cells) > 1 else 2
    indent = indent if indent <= room // 2 else 2
    lines: list[list[Cell]] = [[]]
    left = room
    for text, role in cells:
        rest = text
        while rest and len(lines) < most and width(rest) > left:
            taken = fit(rest, left, more="")
            blank = taken.rfind(" ", len(taken) // 2)
            taken = (
                taken[:blank] if blank > 0 and rest[len(taken) : len(taken) + 1] != " " else taken
            )
            lines[-1].append((taken, role))
            rest = rest[len(taken) :].lstrip(" ")
            lines.append([(" " * indent, "")])
            left = room - indent
        lines[-1].append((rest, role))
        left -= width(rest)
    return lines


def wrap(text: str, room: int) -> list[str]:
    """Break printable *text* at blanks into lines of at most *room* cells."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if width(longer) <= room:
            line = longer
        else:
            lines += [line] if line else []
            line = fit(word, room)
    return [*lines, line] if line else lines
