"""Screen 4: the versions of handlers as of a position or a time (UI-5)."""

from typing import ClassVar

import msgspec

from debugger.errors import BadInputError
from debugger.session import Session
from debugger.session.routing import App, apps
from debugger.timeline import printable, width
from debugger.timeline.quantities import instant_us
from debugger.tui.board import Board
from debugger.tui.cells import Cell, Cells, column
from debugger.tui.desk import Desk
from debugger.tui.face import WIDE
from runtime.timescape import HandlerRoutes, Version
from runtime.timescape.instants import rfc3339
from runtime.timescape.retiring import guards


class Row(msgspec.Struct, frozen=True):
    """A version of a handler."""

    routes: HandlerRoutes
    version: Version


class VersionsScreen(Board):
    """A row for each version; below, what is known of it and of its handler."""

    face: ClassVar[str] = "versions"
    name_shown: ClassVar[str] = "4 Versions"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.rows: list[Row] = []
        self.as_of: dict[str, int] = {}
        """`position` or `at_us`; empty: now."""
        self.where = ""
        self._now_us = 0
        self._id_cells = 38
        self._known: list[App] = []

    def on_mount(self) -> None:
        self.reload()

    def about(self) -> list[Cell]:
        told = "now"
        if "position" in self.as_of:
            told = f"as of position {self.as_of['position']}"
        elif "at_us" in self.as_of:
            told = f"as of {rfc3339(self.as_of['at_us'])}"
        filtered = f"  filter {printable(self.where)}" if self.where else ""
        return [(told + filtered, "focus")]

    def reload(self) -> None:
        session, as_of = self.desk.session, dict(self.as_of)
        self.list.dim()
        self._reads.ask(lambda: read(session, as_of), self._take, self.failed)
        self.show_title()

    def _take(self, found: tuple[list[App], int]) -> None:
        self._known, self._now_us = found
        self._lay_rows()

    def _lay_rows(self) -> None:
        self.rows = [
            Row(routes, version)
            for app in self._known
            for routes in app.table
            for version in routes.line
            if self.where.casefold() in f"{routes.route} {version.id} {version.edition}".casefold()
        ]
        self._id_cells = max((width(str(row.version.id)) for row in self.rows), default=8) + 2
        self._lay_header()
        self.list.note = "1 version" if len(self.rows) == 1 else f"{len(self.rows)} versions"
        self.list.empty = self._why_none()
        self.list.show(len(self.rows), self._cells)
        self.renew_detail()
        self.show_title()

    def _why_none(self) -> tuple[str, ...]:
        back = self.desk.key("back")
        if self.where:
            return ("No version here is called that.", f"{back} clears the filter.")
        if self.as_of:
            return ("No version was deployed yet.", f"{back} goes back to now.")
        return ("No version is deployed here.", "`timescape serve module:app` deploys those of an "
                "app into its log.")  # fmt: skip

    def lay_out(self, width: int, height: int) -> None:
        super().lay_out(width, height)
        self._lay_header()

    def _lay_header(self) -> None:
        names = ("version", "edition", "since", "state", "traffic")
        self.list.header = [(self._line(self.size.width - 2, *names) + "tags", "")]

    def _line(self, room: int, *texts: str) -> str:
        """Put texts into columns; of the time a narrow screen has the day, of traffic what fits."""
        since = 18 if room >= WIDE - 2 else 12
        traffic = 9 if room >= WIDE - 2 or any(row.routes.split for row in self.rows) else 0
        wide = (self._id_cells, 12, since, 12, traffic)
        cut = [text[: wide[2] - 2] if n == 2 else text for n, text in enumerate(texts)]
        return "".join(column(text, cells) for text, cells in zip(cut, wide, strict=True))

    def _cells(self, index: int, room: int) -> Cells:
        row = self.rows[index]
        routes, version = row.routes, row.version
        state = state_of(routes, version, self._now_us)
        shares = dict(routes.split.parts) if routes.split else {}
        share = f"{shares[str(version.id)] / 100:g}%" if str(version.id) in shares else ""
        tags = ", ".join(routes.tags_of(str(version.id)))
        since = rfc3339(version.effective_us)[:16]
        told = self._line(room, str(version.id), version.edition or "", since, state, share)
        return [
            (told, "" if state in ("current", "in service") else "dim"),
            (printable(tags), "blue"),
        ]

    def tell(self, index: int) -> list[Cells]:
        routes, version = self.rows[index].routes, self.rows[index].version
        retired = routes.retirement(str(version.id))
        fields = {
            "route": routes.route,
            "code": version.fingerprint,
            "held by": ", ".join(guards(routes, version, self._now_us)) or "nothing",
            "ends": rfc3339(retired.sunset_us) if retired.sunset_us else "",
            "tags": ", ".join(f"{name} {to}" for name, to in routes.tags_now.items()),
        }
        told: list[Cells] = [
            [(column(name, 10), "dim"), (printable(text[:300]), "")]
            for name, text in fields.items()
            if text
        ]
        moves = [
            (move.at_us, name, move.version)
            for name, moves in routes.tags.items()
            for move in moves
        ]
        told += [
            [("moved     ", "dim"), (f"{rfc3339(at)}  {printable(name)} to {to or 'nothing'}", "")]
            for at, name, to in sorted(moves, reverse=True)
        ]
        return told

    def leads(self, index: int) -> bool:
        del index
        return False

    # --- then and now ---

    def do_go_to(self) -> None:
        self.ask("as-of", "as of", "a position, a time such as 2026-10-01T12:00 or 15m, or now")

    def do_search(self) -> None:
        self.ask("versions", "/", "text in route, version or edition")

    def answered(self, purpose: str, text: str) -> None:
        if purpose == "as-of":
            self._look_as_of(text)
        elif purpose == "versions":
            self.where = text
            self._lay_rows()
        else:
            super().answered(purpose, text)

    def _look_as_of(self, text: str) -> None:
        try:
            self.as_of = read_as_of(text, self.desk.session.sources[0]())
        except BadInputError as error:
            self.say(f"{printable(error.problem)} {error.remedy}", "orange")
            return
        self.reload()

    def do_back(self) -> None:
        if self.where or self.as_of:
            self.where, self.as_of = "", {}
            self.reload()
        else:
            super().do_back()


def read(session: Session, as_of: dict[str, int]) -> tuple[list[App], int]:
    """Return the route tables, and what time it was."""
    now_us = as_of.get("at_us", session.sources[0]())
    known = apps(session, position=as_of.get("position"), at_us=as_of.get("at_us"))
    if "position" in as_of and known:
        now_us = max(app.table.at_us for app in known)
    return known, now_us


def read_as_of(text: str, now_us: int) -> dict[str, int]:
    """Read a position or a time; `now` is neither.

    Raises:
        BadInputError: it cannot be read.
    """
    if text == "now":
        return {}
    if text.isascii() and text.isdecimal():
        return {"position": int(text[:18])}
    at_us = instant_us(text, now_us)
    if at_us is None:
        problem = f"{text[:80]!r} is no position and no time."
        raise BadInputError(problem, "Write 1200, 15m, 12:03, 2026-10-01T12:00 or now.")
    return {"at_us": at_us}


def state_of(routes: HandlerRoutes, version: Version, now_us: int) -> str:
    """Say in a word whether a version is served."""
    if not routes.is_active(str(version.id)):
        return "deactivated"
    if routes.retirement(str(version.id)).deprecated_us is not None:
        return "deprecated"
    if version.effective_us > now_us:
        return "not yet"
    return "current" if routes.current(now_us) == version else "in service"
