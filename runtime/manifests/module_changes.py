"""How a module differs from what it was, and whom that breaks (BR-51, BR-52).

What callers give is judged as a request is, what they get as an answer is. Arguments may be
given by name and by place, so both have to stay.
"""

from collections.abc import Collection, Iterator, Sequence

from runtime.breaking.differences import (
    Difference,
    Differences,
    moved,
    of_types,
    said,
    type_of,
    whole,
)
from runtime.manifests.capabilities import Grant, covers
from runtime.manifests.module import MethodEntry, ModuleManifest
from runtime.manifests.rules import MODULE_RULES

_METHOD = "method "
_FIELD_ADDED = ("BR-10", "BR-11")
_TIME = MODULE_RULES["time-lowered"], MODULE_RULES["time-raised"]


def diff_modules(old: ModuleManifest, new: ModuleManifest) -> Differences:
    """List how *new* differs from *old* for code that calls *old*.

    Args:
        old: what callers were written for.
        new: what is to take its place; names and versions are not compared.

    Returns:
        Changes; `breaking` says whether a call that worked may not, a verdict `risky` by
        `BR-52` that somebody has to grant what was not needed before.
    """
    found = [*_capabilities(old.capabilities, new.capabilities)]
    for name in sorted(old.methods.keys() | new.methods.keys()):
        section, before, after = f"{_METHOD}{name}", old.methods.get(name), new.methods.get(name)
        if before is None:
            found += _said(section, "method-added", "", "", name)
        elif after is None:
            found += _said(section, "method-removed", "", name, "")
        else:
            found += _method(section, before, after)
    return whole(found)


def broken(
    old: ModuleManifest, new: ModuleManifest, used: Collection[str] | None = None
) -> list[str]:
    """Tell what breaks handlers that run on with the module as they know it, a sentence each.

    As an answer of a class is read by the class that handlers have, a field more is too much.

    Args:
        old: as handlers know it.
        new: as it is to be.
        used: methods that handlers in use call; None: it cannot be seen, so any.
    """
    found = [
        f"{change.sentence} ({change.rule})"
        for change in diff_modules(old, new).changes
        if change.section.startswith(_METHOD)
        and (used is None or change.section.removeprefix(_METHOD) in used)
        and (change.verdict == "breaking" or _is_unread(change))
    ]
    return list(dict.fromkeys(found))


def _is_unread(change: Difference) -> bool:
    return change.pointer.startswith("/result") and change.rule in _FIELD_ADDED


def _method(section: str, old: MethodEntry, new: MethodEntry) -> Iterator[Difference]:
    yield from _arguments(section, old, new)
    yield from of_types(section, type_of(old.result), type_of(new.result), "response", "/result")
    yield from moved(section, _TIME, "timeout", old.timeout_s, new.timeout_s)
    if old.idempotent != new.idempotent:
        rule = "idempotent" if new.idempotent else "once-only"
        yield from _said(section, rule, "", "", "")


def _arguments(section: str, old: MethodEntry, new: MethodEntry) -> Iterator[Difference]:
    before, after = dict(old.parameters), dict(new.parameters)
    for name in before.keys() - after.keys():
        yield from _said(section, "argument-removed", f"/{name}", name, "")
    for name in after.keys() - before.keys():
        rule = "argument-added" if name in new.optional else "argument-added-required"
        yield from _said(section, rule, f"/{name}", "", name)
    for name in before.keys() & after.keys():
        was, now = name in old.optional, name in new.optional
        if was != now:
            rule = "argument-optional" if now else "argument-required"
            yield from _said(section, rule, f"/{name}", name, name)
        types = type_of(before[name]), type_of(after[name])
        yield from of_types(section, *types, "request", f"/{name}")
    yield from _places(section, old, new)


def _places(section: str, old: MethodEntry, new: MethodEntry) -> Iterator[Difference]:
    """Tell of arguments that a call by place would not give any more, or to another one."""
    kept, after = dict(new.parameters), _by_place(new)
    for place, name in enumerate(_by_place(old), 1):
        now = after.index(name) + 1 if name in after else None
        if name in kept and now != place:
            yield from _said(section, "argument-moved", f"/{name}", str(place), str(now or "name"))


def _by_place(method: MethodEntry) -> list[str]:
    return [name for name, _ in method.parameters if name not in method.by_name]


def _capabilities(old: Sequence[Grant], new: Sequence[Grant]) -> Iterator[Difference]:
    for rule, held, wanted in (("needed", old, new), ("dropped", new, old)):
        for kind, pattern in sorted({(g.kind, p) for g in wanted for p in g.patterns}):
            if not covers(held, Grant(kind, (pattern,))):
                told = ("", pattern) if rule == "needed" else (pattern, "")
                yield from _said("capabilities", f"capability-{rule}", f"/{kind}", *told)


def _said(section: str, name: str, pointer: str, old: str, new: str) -> Iterator[Difference]:
    return said(section, MODULE_RULES[name], pointer, old, new)
