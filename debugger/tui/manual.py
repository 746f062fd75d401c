"""What help says besides the keys: a first walk, and what may be written where. Pure.

Keys are named as they are for the person who reads (KB-3): `{zoom}` stands for that action's key.
"""

import re

from debugger.tui.keymap import Keymap

Lines = tuple[tuple[str, str], ...]
_ACTION = re.compile(r"\{([a-z-]+)\}")

_WALK: Lines = (
    ("{requests}  {open}", "the list; a request, where it first failed"),
    ("{next-event} {previous-event}  {next-mutation} {previous-mutation}  "
     "{next-hook} {previous-hook}",
     "fact by fact, by changes of the state, by hooks; the other one goes back"),
    ("{next-pane}  {previous-write}",
     "go into the state, then back to the line that made the value what it is"),
    ("{breakpoint}  {next-hit} {previous-hit}", "a breakpoint, and its hits in both directions"),
    ("{next-line} {previous-line}", "line by line, once {trace} has run the request again"),
    ("{edit}  {fork}  {replay}",
     "change a value and run on with it; run again as it was; both end in {comparison}"),
)  # fmt: skip
_MOMENTS: Lines = (
    ("1729  +50  -20  50%", "a moment by number, from here, by share"),
    ("401ms  12:03:04.3", "by time since the request came, or of day"),
    ("start  end  failure", "the first, the last, where it first failed"),
    ("hook NAME  FILE:38", "where a hook started, where a line spoke; or a snapshot's name"),
)
_FILTERS: Lines = (
    ("status:500  status:>=400", "by status; also outcome, dur:>10ms, facts:>100"),
    ("route:*orders*  method:POST", "by route, path, handler, version, principal, id"),
    ("since:15m  since:12:03", "by time"),
    ("KeyError  ann  7f3a", "a lone word: in a column that is shown"),
    ("a b   a or b   not a", "both, either, not; ( ) group"),
)
_STOPS: Lines = (
    ("kind:context.set key:total", "by what the fact is; also hook, effect, error, line, level"),
    ("state.total > 400", "by the state after the fact; old is before it"),
    ("changed(state.items)", "also exists( ), len( ), lower( )"),
    ("fact.status in [500, 504]", "by what the fact carries; also request, response, error"),
    ("state.items[*].net >= 3", "any of them"),
)
_DRAFTS: Lines = (
    ("/total = 3.50", "a value of the state from here on"),
    ("answer 2 = true", "what effect 2 answers"),
    ("stub bank.charge = true", "what a call is answered that the record does not have"),
    ('input /body/sku = "tea"', "the request itself"),
)
_SIGNS: Lines = (
    ("! ~ * @", "failure, change of state, effect, snapshot"),
    ("+ - ~", "added, removed, changed since the base"),
    ("> * b", "in the source: here, lines that speak in this request, breakpoints"),
)
_PARTS = (
    ("a first walk", _WALK),
    ("moments, after {go-to} or {command}", _MOMENTS),
    ("filters, after {search}", _FILTERS),
    ("breakpoints and watches, after {breakpoint} or {watch}", _STOPS),
    ("drafts, after {edit}", _DRAFTS),
    ("signs", _SIGNS),
)


def manual(keys: Keymap) -> list[tuple[str, Lines]]:
    """Return the parts of the manual, each a title and its lines."""

    def named(text: str) -> str:
        return _ACTION.sub(lambda found: keys.key(found[1]), text)

    return [
        (named(title), tuple((named(forms), named(text)) for forms, text in lines))
        for title, lines in _PARTS
    ]
