"""The debugger as a talk: a command in, sentences back (BY-2, AC-2).

For screen readers, dumb terminals and pipes: no boxes, nothing by place or colour, and every
answer says where one is. The letters mean what they mean on the screens.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping

from debugger.errors import BadInputError, NoSuchMomentError, NotFoundError
from debugger.session.requests import RequestSummary
from debugger.session.session import Session
from debugger.session.watches import Breakpoint, breakpoint_of, next_hit
from debugger.timeline import ABSENT, StepKind, Timeline, printable, sentence, shown
from debugger.timeline.links import is_link, read_link
from debugger.timeline.pointers import join

_STEPS: Mapping[str, tuple[StepKind, str]] = {
    "s": ("event", "event"),
    "m": ("mutation", "change of state"),
    "h": ("hook", "hook"),
    "e": ("effect", "effect"),
    "p": ("phase", "phase"),
    "x": ("failure", "failure"),
    "l": ("line", "line"),
}
_LISTED = 20
HELP = (
    "Small letters go forward, capitals back.",
    "s S event, m M change of state, h H hook, e E effect, p P phase, x X failure, l L line.",
    "o O over what is opened here, u U out of it.",
    "w PATH, W PATH: the next, the last change of a value, such as W /total.",
    "b FILTER: a breakpoint, as b state.total > 400; b alone: none any more. c C: its hits.",
    "g MOMENT: 1729, +50, 50%, 401ms, failure, end, hook NAME, FILE:LINE, or a snapshot.",
    "where: the fact again. state [PATH]: what is set. diff: what the fact changed.",
    "find TEXT: the next fact that has it.",
    "requests [FILTER]: the newest. open REQUEST: go there. help. quit.",
)


class Dialogue:
    """One person's walk through one store.

    Args:
        session: of the store.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._timeline: Timeline | None = None
        self._points: list[Breakpoint] = []
        self.at = 0
        """The moment."""
        self._commands: Mapping[str, Callable[[str], Iterator[str]]] = {
            "requests": self._requests, "open": self._open, "g": self._go, "where": self._where,
            "state": self._state, "diff": self._diff, "b": self._break, "find": self._find,
            "help": lambda _: iter(HELP),
        }  # fmt: skip

    def answer(self, line: str) -> Iterator[str]:
        """Give what is to be said to *line*, printable.

        Raises:
            DebuggerError: it cannot be read, or there is no such thing; nothing has moved.
        """
        word, _, rest = line.strip().partition(" ")
        if not word:
            return
        if word in self._commands:
            yield from self._commands[word](rest.strip())
        elif word.lower() in "wc" and len(word) == 1:
            yield from (self._change if word in "wW" else self._hit)(rest.strip(), word.islower())
        elif len(word) == 1 and word.isalpha():
            yield from self._step(word)
        else:
            yield from self._go_or_refuse(line.strip(), word)

    def _go_or_refuse(self, text: str, word: str) -> Iterator[str]:
        try:
            yield from self._go(text)
        except NoSuchMomentError:
            raise
        except BadInputError as error:
            near = difflib.get_close_matches(word, self._commands, 1)
            hint = f"Did you mean {near[0]}? " if near else ""
            problem = f"{word[:80]!r} is no command, and {text[:80]!r} no moment."
            raise BadInputError(problem, f"{hint}`help` lists both.") from error

    # --- which request ---

    def _requests(self, where: str) -> Iterator[str]:
        found = self._session.requests(where, limit=_LISTED).requests
        yield from map(_told, found)
        if not found:
            yield "No request matches." if where else "There are no requests."

    def _open(self, text: str) -> Iterator[str]:
        stream = self._session.find(text)
        timeline = self._session.timeline(stream)
        self._timeline = timeline
        self.at = timeline.first_failure or timeline.last
        if is_link(text):
            self.at = min(read_link(text).revision, timeline.last)
        yield _told(self._session.summary(stream))
        yield from self._where("")

    @property
    def _open_one(self) -> Timeline:
        if self._timeline is None:
            problem = "No request is open."
            raise NotFoundError(problem, "`requests` lists them, `open REQUEST` opens one.")
        return self._timeline

    # --- which moment ---

    def _where(self, _: str) -> Iterator[str]:
        timeline = self._open_one
        if self.at:
            yield sentence(timeline, self.at)
        else:
            yield f"#0 of {timeline.last}. Before the first fact."

    def _to(self, revision: int | None, nothing: str) -> Iterator[str]:
        """Go to *revision*; None: say that there is *nothing* and where one still is."""
        if revision is None:
            yield f"{nothing} You are at #{self.at} of {self._open_one.last}."
            return
        self.at = revision
        yield from self._where("")

    def _step(self, letter: str) -> Iterator[str]:
        timeline, forward, small = self._open_one, letter.islower(), letter.lower()
        if small in _STEPS:
            kind, name = _STEPS[small]
            find = timeline.next if forward else timeline.previous
            found = find(self.at, kind)
        elif small in ("o", "u"):
            name = "place"
            walk = timeline.over if small == "o" else timeline.out
            found = walk(self.at, forward=forward)
        else:
            problem = f"{letter!r} is no command."
            raise BadInputError(problem, "`help` lists them.")
        yield from self._to(found, f"There is no {'later' if forward else 'earlier'} {name}.")

    def _go(self, text: str) -> Iterator[str]:
        timeline = self._open_one
        revision, exact = timeline.seek(text, self.at)
        if not exact and text.lstrip("+-#").isdecimal():
            problem = f"There is no moment {text}."
            raise NoSuchMomentError(problem, f"Give one from 0 to {timeline.last}.")
        if not exact:
            yield f"{printable(text)} is not a moment of its own; the nearest before is this."
        yield from self._to(revision, "")

    def _find(self, text: str) -> Iterator[str]:
        later = (n for n in self._open_one.search(text) if n > self.at)
        yield from self._to(next(later, None), "No later fact has it.")

    def _change(self, path: str, forward: bool) -> Iterator[str]:  # noqa: FBT001 - of the letter
        timeline = self._open_one
        if not path:
            problem = "Of which value?"
            raise BadInputError(problem, f"Say for example W {_example(timeline)}.")
        path = path if path.startswith("/") else join((path,))
        find = timeline.next_change if forward else timeline.last_change
        write = find(path, self.at if forward else self.at - 1)
        nothing = f"Nothing {'later' if forward else 'earlier'} changed {printable(path)}."
        yield from self._to(write.revision if write else None, nothing)
        if write is not None and write.site:
            yield f"By {printable(write.by)}, {printable(write.site)}."

    # --- breakpoints ---

    def _break(self, text: str) -> Iterator[str]:
        if text:
            self._points.append(breakpoint_of(text))
            yield f"A breakpoint: {printable(self._points[-1].text)}. c and C go to its hits."
        else:
            self._points.clear()
            yield "No breakpoint any more."

    def _hit(self, _: str, forward: bool) -> Iterator[str]:  # noqa: FBT001 - of the letter
        if not self._points:
            problem = "There is no breakpoint."
            raise NotFoundError(problem, "Set one: b state.total > 400")
        hit = next_hit(self._session, self._open_one, self._points, self.at, forward=forward)
        if hit.unknown:
            yield f"{hit.unknown} facts could not be judged: {printable(hit.reason)}."
        yield from self._to(
            hit.revision, f"No {'later' if forward else 'earlier'} hit of a breakpoint."
        )

    # --- what is there ---

    def _state(self, path: str) -> Iterator[str]:
        timeline = self._open_one
        value = timeline.value_at(self.at, path)
        if value is ABSENT:
            problem = f"{path[:80]!r} is not there at #{self.at}."
            raise NotFoundError(problem, f"Say for example state {_example(timeline)}.")
        if path:
            yield f"{printable(path)} is {shown(value)}."
            return
        for key, each in timeline.state_at(self.at).values.items():
            yield f"{printable(join((key,)))} is {shown(each)}."
        if not timeline.state_at(self.at).values:
            yield "Nothing is set."

    def _diff(self, _: str) -> Iterator[str]:
        timeline = self._open_one
        changes = timeline.diff(self.at - 1, self.at) if self.at else []
        for change in changes:
            path = printable(change.path)
            if change.sign == "+":
                yield f"{path} is new: {shown(change.after)}."
            elif change.sign == "-":
                yield f"{path} is gone; it was {shown(change.before)}."
            else:
                yield f"{path} was {shown(change.before)} and is {shown(change.after)}."
        if not changes:
            yield "It changed nothing of the state."


def _told(of: RequestSummary) -> str:
    route = printable((of.route or f"{of.method} {of.path}")[:200])
    ms = of.duration_us / 1000
    return f"{of.short_id}: {route}, {printable(of.outcome)}, {ms:.0f} ms, {of.facts} facts."


def _example(timeline: Timeline) -> str:
    keys = timeline.keys
    return printable(join((keys[0],))) if keys else "/total"
