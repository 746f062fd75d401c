"""What restoring a moment as a fork means, told before it is done (RS-11)."""

from debugger.timeline import Timeline, printable, shown
from debugger.tui.cells import Cell, Cells
from runtime.facts import EffectRequested

_MOST = 6


def moment_to_restore(timeline: Timeline, revision: int) -> tuple[int, str]:
    """Return the moment that restoring at *revision* means, and its name.

    On a fact that took a snapshot it is the snapshot's moment: the one before the fact.
    """
    if revision:
        event = timeline.fact(revision)
        if event.type == "context.snapshotted":
            named = timeline.snapshots.get(event.key or "", revision - 1)
            return named, f"snapshot {printable((event.key or '')[:60])}, #{named}"
    return revision, f"#{revision}"


def explain(timeline: Timeline, revision: int, name: str, *, by: str, to: str) -> list[Cells]:
    """Return the lines that say what restoring does and what it leaves."""
    rows: list[Cells] = [
        [("A fork is written whose state is that of ", ""), (name, "strong"), (".", "")],
        [("The request itself is not touched.", "")],
        [(f"by {printable(by)} (claimed)", "dim")],
        [],
    ]
    changes = timeline.diff(timeline.last, revision)
    rows.append([(f"Against the end of the request, {_count(len(changes), 'difference')}:", "dim")])
    for change in changes[:_MOST]:
        cells: list[Cell] = [(f"{change.sign} ", "blue"), (printable(change.path[:60]) + "  ", "")]
        if change.sign != "+":
            cells.append((shown(change.before, 24), "dim"))
        if change.sign == "~":
            cells.append((f" {to} ", "dim"))
        if change.sign != "-":
            cells.append((shown(change.after, 24), "blue"))
        rows.append(cells)
    if len(changes) > _MOST:
        rows.append([(f"  and {len(changes) - _MOST} more", "dim")])
    rows.append([])
    rows.append([(_not_rewound(timeline, revision), "dim")])
    return rows


def _not_rewound(timeline: Timeline, revision: int) -> str:
    later = [
        printable(event.key or event.data.kind)
        for event in timeline.events[revision:]
        if isinstance(event.data, EffectRequested)
    ]
    if not later:
        return "Not rewound: nothing was done to the outside after it."
    names = ", ".join(list(dict.fromkeys(later))[:3])
    return f"Not rewound: {_count(len(later), 'effect')} performed after it ({names})."


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
