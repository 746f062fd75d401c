"""A recording as one page that steps through it in a browser, without server or network (AD-16).

The page holds the recording as JSON, a program and a style sheet. Its policy lets the
browser load nothing and run no other program; the program makes text of recorded text
and never markup. Without scripts it shows a table.
"""

import base64
import hashlib
import html
import importlib.resources
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from debugger.errors import BadInputError
from debugger.exports.lines import payload, text_of
from debugger.exports.recording import Recorded, Recording
from debugger.session import Source
from debugger.timeline import Timeline, printable, sentence, subject
from debugger.timeline.stops import StepKind
from debugger.timeline.writing import KeyIndex, touches

MOST_FACTS = 20_000
"""In one page; a browser keeps all of them in memory."""
_STEPS: tuple[StepKind, ...] = ("event", "mutation", "hook", "effect", "phase", "failure")


def as_page(recording: Recording, sources: Mapping[str, Source] | None = None) -> bytes:
    """Return *recording* as an HTML page.

    Args:
        recording: at least one request.
        sources: name of a file, as facts name it, to what is known of it.

    Raises:
        BadInputError: there are more facts than a page takes.
    """
    if recording.facts > MOST_FACTS:
        problem = f"A page takes {MOST_FACTS} facts, and these are {recording.facts}."
        raise BadInputError(problem, "Export fewer requests, or as jsonl or bundle.")
    script, style = parts()
    # In a script nothing but `<` can end it or begin a comment.
    data = text_of(_data(recording, sources or {})).replace("<", "\\u003c")
    title = printable(title_of(recording.requests[0]))
    return _PAGE.format(
        policy=policy(script, style),
        title=html.escape(title),
        style=style,
        table="".join(_table(each) for each in recording.requests),
        data=data,
        script=script,
    ).encode("ascii", "xmlcharrefreplace")


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title} · Timescape</title>
<style>{style}</style>
</head>
<body>
<div id="app"></div>
<noscript>
<div class="plain">
{table}</div>
</noscript>
<script type="application/json" id="recording">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def policy(script: str, style: str) -> str:
    """Return the policy that allows *script* and *style* and nothing else."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def parts() -> tuple[str, str]:
    """Return the program and the style sheet of every page. ASCII: no encoding changes them."""
    folder = importlib.resources.files("debugger.exports") / "page"
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".js"))
    programs = "\n".join((folder / name).read_text("utf-8") for name in names)
    script = f'"use strict";\n(() => {{\n{programs}}})();\n'
    return _escaped_script(script), _escaped_style((folder / "page.css").read_text("utf-8"))


def _escaped_script(text: str) -> str:
    return "".join(char if char.isascii() else f"\\u{{{ord(char):x}}}" for char in text)


def _escaped_style(text: str) -> str:
    # The blank after an escape belongs to it.
    return "".join(char if char.isascii() else f"\\{ord(char):06x} " for char in text)


# --- the recording as data ---


class _Names:
    """Gives each text a number, in the order of coming."""

    def __init__(self) -> None:
        self.numbers: dict[str | None, int] = {}

    def number(self, text: str | None) -> int:
        return self.numbers.setdefault(text, len(self.numbers))

    @property
    def all(self) -> Sequence[str | None]:
        return list(self.numbers)


def _data(recording: Recording, sources: Mapping[str, Source]) -> Mapping[str, Any]:
    types, sites, names = _Names(), _Names(), _Names()
    requests = [_request(each, types, sites, names) for each in recording.requests]
    return {
        "head": str(recording.end),
        "types": types.all,
        "sites": sites.all,
        "names": names.all,
        "requests": requests,
        "sources": {
            file: {"lines": list(source.lines), "doubt": source.problem}
            for file, source in sources.items()
            if source.lines
        },
        "hidden": [
            {"revision": each.revision, "pointer": each.pointer, "how": each.how}
            for each in recording.hidden
        ],
    }


def _request(each: Recorded, types: _Names, sites: _Names, names: _Names) -> Mapping[str, Any]:
    timeline, summary = each.timeline, each.summary
    started = timeline.events[0].at_us
    written = keys_written(timeline)
    facts = [
        [
            types.number(event.type), event.key, event.at_us - started, sites.number(event.site),
            names.number(timeline.by(revision)), subject(event), sentence(timeline, revision),
            payload(event), written.get(revision, []),
        ]
        for revision, event in enumerate(timeline.events, 1)
    ]  # fmt: skip
    return {
        "id": timeline.request_id,
        "title": title_of(each),
        "route": summary.route,
        "version": summary.edition or summary.version or "",
        "outcome": summary.outcome,
        "failed": summary.failed,
        "principal": summary.principal,
        "started": timeline.events[0].at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "ms": round(summary.duration_us / 1000, 1),
        "stops": {kind: timeline.stops(kind) for kind in _STEPS},
        "facts": facts,
    }


def title_of(each: Recorded) -> str:
    """Return what a request is called: `POST /orders/7`."""
    return f"{each.summary.method} {each.summary.path}".strip() or each.timeline.request_id


def keys_written(timeline: Timeline) -> dict[int, list[str]]:
    """Return for each fact that wrote user state the top keys that it wrote."""
    written: dict[int, list[str]] = {}
    for key, revisions in KeyIndex(timeline.events).revisions.items():
        for revision in revisions:
            if touches(timeline.fact(revision), (key,)):
                written.setdefault(revision, []).append(key)
    return written


# --- without scripts ---


def _table(each: Recorded) -> str:
    timeline = each.timeline
    started = timeline.events[0].at_us
    rows = "".join(
        f"<tr><td>{revision}</td><td>{(event.at_us - started) / 1000:.3f}</td>"
        f"<td>{_text(event.type)}</td><td>{_text(_told(timeline, revision))}</td>"
        f"<td>{_text(event.site or '')}</td></tr>\n"
        for revision, event in enumerate(timeline.events, 1)
    )
    head = "<tr><th>#</th><th>ms</th><th>fact</th><th>what happened</th><th>line</th></tr>"
    return (
        f"<h1>{_text(title_of(each))} &middot; {_text(each.summary.outcome)}</h1>\n"
        f"<p>{timeline.request_id}</p>\n<table>\n{head}\n{rows}</table>\n"
    )


def _told(timeline: Timeline, revision: int) -> str:
    return sentence(timeline, revision).partition(". ")[2]


def _text(text: str) -> str:
    return html.escape(printable(text))
