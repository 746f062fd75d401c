"""What there is to know of a request before it is opened: how it failed, and what led there."""

from debugger.session import RequestSummary
from debugger.timeline import Timeline, printable, shown, subject
from debugger.tui.cells import Cell, Cells
from debugger.tui.wording import detail_of, duration, failure_text, last_name, place_text
from runtime.facts import RequestReceived, ResponseSent


def heading(of: RequestSummary) -> str:
    """Return the title of the preview."""
    return f"{of.short_id} {'failed' if of.failed else printable(of.outcome[:60])}"


def preview(of: RequestSummary, timeline: Timeline, to: str) -> list[Cells]:
    """Return the lines: first what matters most, for a low screen shows but the first."""
    lines: list[Cells] = []
    failure = timeline.first_failure
    if failure is not None:
        lines.append(_failure(timeline, failure))
    last = timeline.previous((failure or timeline.last) + 1, "mutation")
    if last is not None:
        lines.append(_change(timeline, last, to, "last change" if failure is None else "before it"))
    lines += [_asked(of, timeline), _answered(of, timeline), *_body(timeline)]
    state = timeline.state_at(timeline.last).values
    if state:
        lines.append([("  state       ", "dim"), (shown(dict(state), 400), "")])
    return lines


def _failure(timeline: Timeline, revision: int) -> list[Cell]:
    event = timeline.fact(revision)
    failure = getattr(event.data, "failure", None)
    if isinstance(event.data, ResponseSent):
        what = f"{event.data.status} {printable((event.data.code or '')[:60])}".rstrip()
    elif failure is not None:
        what = failure_text(failure)
    else:
        what = f"{printable(event.type[:64])} {detail_of(event, 200)}".rstrip()
    frames = failure.frames if failure is not None else ()
    place = place_text(frames[-1] if frames else event.site)
    by = ""
    if failure is not None:
        by = (
            printable((event.key or "")[:60])
            if event.type.startswith("effect.")
            else last_name(event.key or "")
        )
    return [
        ("! ", "failed"),
        (f"{'failure':<12}", "dim"),
        (what, "failed"),
        (f"  {place}" if place else "", ""),
        (f"  in {by}" if by else "", ""),
        (f"  #{revision} of {timeline.last}", "dim"),
    ]


def _change(timeline: Timeline, revision: int, to: str, name: str) -> list[Cell]:
    event = timeline.fact(revision)
    cells: list[Cell] = [("~ ", "blue"), (f"{name:<12}", "dim")]
    changes = timeline.diff(revision - 1, revision)
    if changes:
        first = changes[0]
        cells.append((printable(first.path[:200]) + "  ", ""))
        if first.sign == "~":
            cells += [(shown(first.before, 60), "dim"), (f" {to} ", "dim")]
        cells.append((shown(first.after, 60) if first.sign != "-" else "removed", "blue"))
        if len(changes) > 1:
            cells.append((f" and {len(changes) - 1} more", "dim"))
    else:
        cells.append((subject(event), ""))
    cells.append((f"  {place_text(event.site)}  #{revision}", "dim"))
    return cells


def _asked(of: RequestSummary, timeline: Timeline) -> list[Cell]:
    version = printable((of.version or of.edition or "none")[:80])
    return [
        ("  asked       ", "dim"),
        (printable(f"{of.method} {of.path}"[:300]), ""),
        (f"  by {printable(of.principal[:60])}", ""),
        (f"  version {version}", "dim"),
    ]


def _body(timeline: Timeline) -> list[Cells]:
    first = timeline.fact(1).data if timeline.last else None
    if isinstance(first, RequestReceived) and first.body is not None:
        return [[("  body        ", "dim"), (shown(first.body, 400), "")]]
    return []


def _answered(of: RequestSummary, timeline: Timeline) -> list[Cell]:
    cells: list[Cell] = [("  answered    ", "dim"), (printable(of.outcome[:100]), "")]
    if of.status is not None:
        cells.append((f"  after {duration(of.duration_us)}", "dim"))
    cells.append((f"  {of.facts} facts", "dim"))
    return cells
