"""Facts, values, times and sizes in the few words a row has room for. All printable (RN-2)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from debugger.timeline import printable, shown
from debugger.timeline.pointers import envelope, parts
from eventstore import Event
from runtime import facts
from runtime.policy_facts import PolicyDecided
from runtime.transform_facts import TransformApplied, VersionPlaced
from runtime.undo_facts import CompensationRetried


def short_value(tree: Any, most: int = 200) -> str:
    """Write a value as a row of a tree shows it: of a container its kind and size (ST-5)."""
    if isinstance(tree, str) and len(tree) > most:
        return f"{shown(tree, most)} {size(len(tree.encode('utf-8', 'surrogatepass')))}"
    inside = parts(tree)
    if inside is None:
        return shown(tree, most)
    count = len(inside)
    match envelope(tree):
        case "$obj":
            name = str(tree["$obj"][0]).partition("@")[0].rpartition(".")[2]
            return f"{printable(name[:most])} {{{count}}}"
        case "$tuple":
            return f"({count})"
        case _ if isinstance(inside, Mapping):
            return f"{{{count}}}"
        case _:
            return f"[{count}]"


def density_glyph(count: int, glyphs: Sequence[str]) -> str:
    """Return the glyph for *count* facts: a step higher for each doubling."""
    return glyphs[min(count.bit_length(), len(glyphs) - 1)]


def size(count: int) -> str:
    """Write a number of bytes: `812 B`, `4.1 MB`."""
    for unit, scale in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} B"


def milliseconds(us: int) -> str:
    """Write a duration for a column of milliseconds: `0.84`, `41.2`, `412`, `12 s`, `5 min`."""
    ms = us / 1000
    if ms >= 10_000:
        return _long(us // 1_000_000)
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.1f}" if ms >= 10 else f"{ms:.2f}"


def _long(seconds: int) -> str:
    for unit, scale, least in (("d", 86_400, 3), ("h", 3_600, 3), ("min", 60, 5)):
        if seconds >= scale * least:
            return f"{seconds // scale} {unit}"
    return f"{seconds} s"


def duration(us: int) -> str:
    """Write a duration with its unit: `412 ms`, `12 s`, `56 d`."""
    text = milliseconds(us)
    return text if " " in text else f"{text} ms"


def moment_of(at_us: int) -> dt.datetime:
    """Return a recorded time; one that no calendar holds: the nearest that it does."""
    try:
        return dt.datetime.fromtimestamp(at_us // 1_000_000, dt.UTC).replace(
            microsecond=at_us % 1_000_000
        )
    except (ValueError, OverflowError, OSError):
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def elapsed_text(us: int) -> str:
    """Write the time since the request came, in ms: `401.327`; of long ones `168 s`."""
    return f"{us / 1000:.3f}" if us < 100_000_000 else f"{us / 1_000_000:.0f} s"


def clock_text(at_us: int) -> str:
    """Write the time of day, UTC, to the millisecond: `12:03:04.118`."""
    at = moment_of(at_us)
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03}"


def last_name(name: str) -> str:
    """Return what tells most of an id: `tax` of `shop.hooks.tax`, `tax.py:9#1` of a path."""
    if "/" in name:
        return printable(name.rpartition("/")[2][:60])
    return printable((name if ":" in name else name.rpartition(".")[2])[:60])


def place_text(site: str | None) -> str:
    """Write a place in the source in few cells: the file's name and the line."""
    return printable((site or "").rpartition("/")[2][-60:])


def sign_of(event: Event, *, failed: bool) -> tuple[str, str]:
    """Return the sign of a fact in a list, and its role."""
    if failed:
        return "!", "failed"
    match event.type.partition(".")[0]:
        case "context":
            return ("@", "blue") if event.type == "context.snapshotted" else ("~", "blue")
        case "effect":
            return "*", ""
        case _:
            return " ", ""


def detail_of(event: Event, most: int = 200) -> str:
    """Say in a few words what a fact tells beyond its subject."""
    data = event.data
    told = _mutation(data, most) if event.type.startswith("context.") else _told(data, most)
    return told or ""


def _mutation(data: Any, most: int) -> str | None:
    match data:
        case facts.ContextSet(value=value):
            return shown(value, most)
        case facts.ContextEdited(created=True, default=default, patch=()):
            return shown(default, most)
        case facts.ContextEdited(patch=(only,)):
            return _operation(only, most)
        case facts.ContextEdited(patch=patch):
            return f"{len(patch)} changes"
        case facts.ContextRestored(revision=revision, by=by):
            return f"#{revision} by {printable(by[:60])}" if by else f"#{revision}"
        case _:
            return None


def _operation(change: facts.Change, most: int) -> str:
    match change.op:
        case "remove":
            return "removed"
        case "splice":
            came = shown(change.value, most) if change.value else ""
            return " ".join(filter(None, (f"-{change.remove}" if change.remove else "", came)))
        case _:
            return shown(change.value, most)


def _told(data: Any, most: int) -> str | None:  # noqa: C901, PLR0911, PLR0912 - a table
    match data:
        case facts.RequestReceived(body=body):
            return None if body is None else shown(body, most)
        case facts.PrincipalEstablished(kind=kind):
            return printable(kind[:most])
        case facts.VersionResolved(edition=edition, error=error):
            return printable((error or edition or "")[:most])
        case TransformApplied(side=side, error=failure):
            return failure_text(failure) if failure else printable(side[:most])
        case VersionPlaced(reason=reason):
            return printable(reason[:most])
        case PolicyDecided(policies=policies, reason=reason):
            return printable(f"{', '.join(policies)} {reason}".strip()[:most])
        case facts.ValidationFailed(issues=issues):
            first = f"{issues[0].path or '/'} {issues[0].message}" if issues else ""
            return printable(f"{len(issues)}: {first}"[:most])
        case (
            facts.HookFailed()
            | facts.HandlerFailed()
            | facts.EffectFailed()
            | CompensationRetried()
        ):
            return failure_text(data.failure)
        case facts.HookRegistered() | facts.HookStarted():
            return printable(f"{data.kind} {data.level}"[:most])
        case facts.EffectRequested(args=args):
            return None if args is None else shown(args, most)
        case facts.EffectReturned(value=value) | facts.EventPublished(payload=value):
            return shown(value, most)
        case facts.CompensationRegistered(name=name):
            return printable(name[:most])
        case facts.RequestTimedOut(timeout_s=timeout_s):
            return f"after {timeout_s:g} s"
        case facts.ResponseSent(code=code, body=body):
            return printable(code[:most]) if code else shown(body, most)
        case _:
            return None


def failure_text(failure: facts.Failure) -> str:
    """Say what failed: the error and its message, where the record has one."""
    said = f"{failure.error}: {failure.message}" if failure.message else failure.error
    return printable(said[:400])
