"""Screen 5: two requests side by side, what differs, and a verdict (UI-6)."""

from typing import ClassVar, Literal, TypeAlias

import msgspec

from debugger.session import request_id
from debugger.session.again import keep
from debugger.session.comparing import SECTIONS, Comparison, Pair, ignored
from debugger.timeline import Timeline, differences, fit, printable, shown, subject, width
from debugger.timeline.links import Link
from debugger.tui.actions import Action
from debugger.tui.board import Board
from debugger.tui.cells import Cell, Cells, column
from debugger.tui.desk import Desk, problem_of
from debugger.tui.latest import Latest
from debugger.tui.notes import Mark
from debugger.tui.runs import Held, Outcome
from eventstore import Event, StreamId
from runtime.replay import Difference

Variant: TypeAlias = Literal["all", "differences", "unified"]
VARIANTS: tuple[Variant, ...] = ("all", "differences", "unified")
Row: TypeAlias = Pair | Difference
_MOST = 400
_SIGNS = {"=": "dim", "~": "orange", "-": "blue", "+": "blue"}


class CompareScreen(Board):
    """Rows of facts, then of what differs in answer and state."""

    face: ClassVar[str] = "compare"
    name_shown: ClassVar[str] = "5 Compare"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.held: Held | None = None
        self.variant: Variant = "all"
        self.turned = False
        """Whether B stands at the left."""
        self.rows: list[Row] = []
        self._facts: dict[tuple[int | None, int | None], Difference] = {}
        """Facts that differ, by their revisions."""
        self._keeps = Latest(self, "timescape-keep")

    @property
    def pending(self) -> bool:
        return super().pending or self._keeps.busy

    def on_unmount(self) -> None:
        self._keeps.close()

    # --- what it tells ---

    def subject(self) -> Mark | None:
        held = self.held
        if held is None:
            return None
        return Mark(held.a.stream, held.comparison.a.last)

    def link(self) -> Link | None:
        link, held = super().link(), self.held
        if link is None or held is None or not held.b.kept:
            return None
        return msgspec.structs.replace(link, b=(held.b.stream, held.comparison.b.last))

    def on_mount(self) -> None:
        key = self.desk.key
        self.list.empty = (
            "Nothing is compared yet.",
            f"{key('replay')} on a request runs it again and compares the run with its record.",
            f"{key('mark')} marks one request or moment as A and another as B; "
            f"{key('compare')} compares the two.",
        )

    def offers(self, name: str) -> bool:
        if name in ("next-match", "variant") and not any(_sign(row) != "=" for row in self.rows):
            return name == "variant" and self.variant != "all"
        return super().offers(name)

    def blocked(self, action: Action) -> str | None:
        if self.held is None and not action.acts_on("requests"):
            return "nothing is compared yet"
        if action.id == "fork":
            if self.held is None or self.held.outcome is None:
                return "both are on record already"
            if self.held.b.kept:
                return "the run is kept already"
            if not self.held.outcome.ran.whole:
                return "the run did not come to its end"
            return self.desk.why_not_write()
        return None

    @property
    def verdict(self) -> str:
        """One word, and where the two part."""
        held = self.held
        if held is None:
            return ""
        ran = held.outcome.ran if held.outcome else None
        word = ran.verdict if ran else "same"
        if word == "same" and not held.comparison.equal:
            word = "different"  # by what was drafted, not by the code
        parting = ran.parting if ran else None
        if parting is not None:
            return f"{word}: first divergence #{parting.index} ({parting.kind})"
        first = held.comparison.first
        if first is None:
            return word
        pair = held.comparison.pairs[first]
        return f"{word}: first difference #{pair.a or pair.b}"

    def about(self) -> list[Cell]:
        held = self.held
        if held is None:
            return [("nothing yet", "dim")]
        names = held.a.text, held.b.text
        left, right = names[::-1] if self.turned else names
        same = held.comparison.equal
        return [
            (f"A {left}  B {right}  " if not self.turned else f"B {left}  A {right}  ", "focus"),
            (self.verdict, "" if same else "failed"),
        ]

    def show(self, held: Held) -> None:
        """Show two things; the cursor is where they first differ."""
        self.held, self.turned = held, False
        self._lay_rows()
        first = next((n for n, row in enumerate(self.rows) if _sign(row) != "="), 0)
        self.list.place(first)
        self.renew_detail()

    def _lay_rows(self) -> None:
        held = self.held
        if held is None:
            return
        comparison = held.comparison
        pairs = [p for p in comparison.pairs if self.variant == "all" or p.sign != "="]
        self._facts = {d.revisions: d for d in comparison.differences if d.part == "fact"}
        others = [each for each in comparison.differences if each.part != "fact"]
        self.rows = [*pairs, *others]
        self.list.header = _sections(comparison)
        self.list.note = f"{self.variant}, {len(comparison.differences)} differences"
        self.list.empty = ("nothing differs", f"not compared: {'; '.join(ignored())[:300]}")
        self.list.show(len(self.rows), self._cells)
        self.show_title()

    # --- rows ---

    def _cells(self, index: int, room: int) -> Cells:
        row, held = self.rows[index], self.held
        assert held is not None  # noqa: S101 - there are no rows without it
        sign = _sign(row)
        role = _SIGNS[sign]
        head: list[Cell] = [(("  " if sign == "=" else sign + " "), role)]
        if isinstance(row, Difference):
            return [*head, *_other(row, room - 2, self.list.look.glyphs.to)]
        comparison = held.comparison
        sides = [
            _fact_text(timeline, n) for timeline, n in
            ((comparison.a, row.a), (comparison.b, row.b))
        ]  # fmt: skip
        if self.turned:
            sides.reverse()
        role = "dim" if sign == "=" else ""
        if self.variant == "unified":
            text = "  |  ".join(dict.fromkeys(side for side in sides if side))
            return [*head, (text, role)]
        half = max((room - 5) // 2, 8)
        left, right = (column(side, half) for side in sides)
        return [*head, (left, role), (" | ", "dim"), (right, role)]

    def tell(self, index: int) -> list[Cells]:
        row, held, to = self.rows[index], self.held, self.desk.look().glyphs.to
        if held is None:
            return []
        found = row if isinstance(row, Difference) else self._facts.get((row.a, row.b))
        if found is None:
            return [[("The same in both.", "dim")]]
        told = _leaves(found, to)
        parting = held.outcome.ran.parting if held.outcome else None
        if parting is not None and isinstance(row, Pair) and row.a == parting.index:
            lines = [line for line in (parting.recorded_line, parting.attempted_line) if line]
            said = f"first divergence ({parting.kind}) {' then, '.join(dict.fromkeys(lines))}"
            told.insert(0, [(printable(said), "failed")])
        return told

    # --- actions ---

    def open_row(self, index: int) -> None:
        row, held = self.rows[index], self.held
        if held is None:
            return
        pair = row if isinstance(row, Pair) else Pair("~", held.comparison.a.last, None)
        if pair.a is not None:
            self.post_message(self.Open(held.a.stream, pair.a))
        elif held.b.kept:
            self.post_message(self.Open(held.b.stream, pair.b))
        else:
            key = self.desk.key("fork")
            self.say(f"Only the run has it, and it is kept nowhere: {key} keeps it as a fork.")

    def do_variant(self) -> None:
        self.variant = VARIANTS[(VARIANTS.index(self.variant) + 1) % len(VARIANTS)]
        self._lay_rows()
        self.list.place(0)
        self.renew_detail()
        self.say(f"Rows: {self.variant}.")

    def do_next_base(self) -> None:
        self.turned = not self.turned
        self._lay_rows()
        self.say("B stands at the left." if self.turned else "A stands at the left.")

    def do_next_match(self) -> None:
        self._to_difference(range(self.list.cursor + 1, len(self.rows)), "later")

    def do_previous_match(self) -> None:
        self._to_difference(range(self.list.cursor - 1, -1, -1), "earlier")

    def _to_difference(self, rows: range, where: str) -> None:
        found = next((n for n in rows if _sign(self.rows[n]) != "="), None)
        if found is None:
            self.say(f"No {where} difference.")
        else:
            self.list.place(found, tell=True)

    def do_fork(self) -> None:
        held, session = self.held, self.desk.session
        if held is None or held.outcome is None:
            return
        outcome: Outcome = held.outcome

        def then(fork: StreamId) -> None:
            kept = msgspec.structs.replace(held.b, text=request_id(fork)[:10], kept=True)
            self.held = msgspec.structs.replace(held, b=kept, outcome=outcome)
            self.say(f"Kept as {request_id(fork)}; the request is untouched.", "blue")

        self._keeps.ask(
            lambda: keep(session, outcome.ran, outcome.wanted),
            then,
            lambda error: self.say(" ".join(problem_of(error)), "failed"),
        )


def _sign(row: Row) -> str:
    return row.sign


def _sections(comparison: Comparison) -> Cells:
    cells: list[Cell] = []
    for name in SECTIONS:
        count = comparison.counts[name]
        told = "same" if not count else f"{count} differ" if name in _COUNTED else "differs"
        cells.append((f"{name} {told}  ", ""))
    return cells


_COUNTED = ("facts", "state", "effects")


def _fact_text(timeline: Timeline, revision: int | None) -> str:
    if revision is None:
        return ""
    event: Event = timeline.fact(revision)
    return f"#{revision} {printable(event.type[:64])} {fit(subject(event), 120)}"


def _other(each: Difference, room: int, to: str) -> list[Cell]:
    name = each.part if each.name == each.part else f"{each.part} {each.name}"
    head = column(printable(name[:120]) + "  ", min(max(width(name) + 2, 16), room // 2))
    before = "" if each.sign == "+" else shown(each.a, _MOST)
    after = "" if each.sign == "-" else shown(each.b, _MOST)
    arrow = f" {to} " if before and after else ""
    return [(head, ""), (fit(before, room // 3), "dim"), (arrow, "dim"), (after, "blue")]


def _leaves(found: Difference, to: str) -> list[Cells]:
    """Say leaf by leaf what is other."""
    a = {} if found.sign == "+" else {"": found.a}
    b = {} if found.sign == "-" else {"": found.b}
    rows: list[Cells] = []
    for change in differences(a, b):
        cells: list[Cell] = [(f"{change.sign} ", "blue"), (printable(change.path[1:80]) + " ", "")]
        if change.sign != "+":
            cells.append((shown(change.before, _MOST), "dim"))
        if change.sign == "~":
            cells.append((f" {to} ", "dim"))
        if change.sign != "-":
            cells.append((shown(change.after, _MOST), "blue"))
        rows.append(cells)
    return rows
