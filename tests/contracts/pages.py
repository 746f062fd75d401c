"""Read a page of documentation and compare what it shows with what happens.

Fences and what they mean: `python` is run as a program (`# name.py` as its first line keeps it
as a file for later blocks), `console` is run command by command and its output compared, `text`
after a comment `<!-- screen 80x24: COMMAND | KEYS -->` is compared with a real terminal. Others
are only shown.

In output, `...` stands for anything, and so does what a `…` cut short. Ids, times and durations
may be others than on the page; an id that was met once has to be the same from then on, also
where a command names it.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(
    r"(?:^<!-- screen (?P<size>\d+x\d+): (?P<screen>.+?) -->\n+)?"
    r"^```(?P<language>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
VARYING = re.compile(
    r"(?P<id>req-[0-9a-f]{32}\b|req-[0-9a-f]{6}\b)"
    r"|(?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)"
    r"|(?P<instant>\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)"
    r"|(?P<version>\btsv:\d+-)"
    r"|(?P<clock>(?:\b\d{4}-\d\d-\d\d )?\b\d\d:\d\d:\d\d(?:\.\d+)?)"
    r"|(?P<date>\b\d{4}-\d\d-\d\d(?= UTC))"
    r"|(?P<digest>\b[0-9a-f]{40,64}\b)"
    r"|(?P<duration>\b\d+(?:\.\d+)? (?:ms|s|µs)\b)"
    r"|(?P<seconds>\"(?:seconds|ms|duration_us|started_us|at_us)\": ?[\d.]+)"
    r"|(?P<exact> *[+]?\b\d+\.\d{3}\b(?! (?:ms|s|µs)\b))"
    r"|(?P<scrub>[▁▂▃▄▅▆▇█·@^!]{10,})"
    r"|(?P<cut>[^\s▸]*…)"
    r"|(?P<any>\.\.\.)"
    r"|(?P<gap> {2,})"
)
LISTED = re.compile(VARYING.pattern + r"|(?P<short> *\b\d+\.\d{1,2}\b)")
ANY_OF = {
    "uuid": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "instant": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?",
    "version": r"tsv:\d+-",
    "short": r" *\d+(?:\.\d{1,3})?",
    "clock": r"(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(?:\.\d+)?",
    "date": r"\d{4}-\d\d-\d\d",
    "digest": r"[0-9a-f]{40,64}",
    "duration": r"\d+(?:\.\d+)? (?:ms|s|µs)",
    "seconds": r"\"\w+\": ?[\d.]+",
    "exact": r" *[+]?\d+\.\d{3}",
    "scrub": r"[▁▂▃▄▅▆▇█·@^!]{10,}",
    "cut": r".{0,32}?",
    "any": r".*?",
    "gap": r" +",
}


@dataclass
class Block:
    language: str
    body: str
    line: int
    size: str | None = None
    screen: str | None = None


@dataclass
class Command:
    text: str
    expected: list[str] = field(default_factory=list)

    @property
    def in_background(self) -> bool:
        return self.text.endswith(" &")


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [
        Block(
            found["language"],
            found["body"],
            text[: found.start("language")].count("\n") + 1,
            found["size"],
            found["screen"],
        )
        for found in FENCE.finditer(text)
    ]


def commands(body: str) -> list[Command]:
    """Split a console block into commands and what each is to print."""
    found: list[Command] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:]))
        elif found and not found[-1].expected and line.startswith("> "):
            found[-1].text += "\n" + line[2:]
        elif found:
            found[-1].expected.append(line)
    return found


class Ids:
    """Which request of this run stands for which on the page."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def learn(self, written: str, real: str) -> None:
        self._real[written] = real
        self._real["req-" + written[-6:]] = "req-" + real[-6:]

    def known(self, written: str) -> str | None:
        return self._real.get(written)

    def put_in(self, text: str) -> str:
        """Return *text* of the page with the ids of this run."""
        return re.sub(
            r"req-[0-9a-f]{32}\b|req-[0-9a-f]{6}\b",
            lambda found: self._real.get(found[0], found[0]),
            text,
        )

    def take_out(self, text: str) -> str:
        """Return *text* of this run with the ids of the page."""
        for written, real in self._real.items():
            text = text.replace(real, written)
        return text


def pattern(expected: list[str], ids: Ids) -> tuple[re.Pattern[str], list[str]]:
    """Return what output has to look like, and the ids that its groups are."""
    groups: list[str] = []
    lines = []
    for line in expected:
        if line.strip() == "...":
            lines.append(r"(?:.*\n)*?")
            continue
        # Atomic: a line that fits is not tried in other ways when a later one does not.
        lines.append(rf"(?>{_line(line.rstrip(), ids, groups)}[ ]*\n)")
    return re.compile("".join(lines)), groups


def _line(line: str, ids: Ids, groups: list[str]) -> str:
    made, at = "", 0
    kinds = [found.lastgroup for found in VARYING.finditer(line)]
    # In the row of a list of requests: how long it took, shortly.
    varying = LISTED if {"clock", "id"} <= set(kinds) else VARYING
    for found in varying.finditer(line):
        made += re.escape(line[at : found.start()])
        made += _varying(found, ids, groups)
        at = found.end()
    return made + re.escape(line[at:])


def _varying(found: re.Match[str], ids: Ids, groups: list[str]) -> str:
    kind = found.lastgroup or ""
    if kind != "id":
        return ANY_OF[kind]
    written = found[0]
    if real := ids.known(written):
        return re.escape(real)
    if written in groups:
        return rf"(?:\{groups.index(written) + 1})"
    groups.append(written)
    return rf"(req-[0-9a-f]{{{len(written) - 4}}})"


def differs(expected: list[str], said: str, ids: Ids) -> str | None:
    """Return how *said* differs from what the page shows; None: it does not. Learns new ids."""
    shape, groups = pattern(expected, ids)
    text = "".join(line.rstrip() + "\n" for line in said.splitlines())
    found = shape.fullmatch(text)
    if found is None:
        return "the page shows\n" + "\n".join(expected) + "\nand it printed\n" + text
    for written, real in zip(groups, found.groups(), strict=True):
        ids.learn(written, real)
    return None
