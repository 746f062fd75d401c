"""What a new generation of a module breaks for handlers that call it (BR-51).

Handlers that run go on with the module as they know it: they send the arguments, and read the
answers, of its old manifest. Arguments are judged like requests, answers like responses; and
as a value of a class is read by the class that handlers have, a field more is too much.
"""

from collections.abc import Collection, Iterator
from typing import Any

from runtime.breaking import Direction, compare
from runtime.gtype import GType, gtype
from runtime.gtype.stored import Stored
from runtime.manifests.module import MethodEntry, ModuleManifest

RULE = "BR-51"
_ANY = gtype(Any)


def broken(
    old: ModuleManifest, new: ModuleManifest, used: Collection[str] | None = None
) -> list[str]:
    """Tell what breaks, a sentence each.

    Args:
        old: as handlers know it.
        new: as it is to be.
        used: methods that handlers in use call; None: it cannot be seen, so any.
    """
    found = []
    for name, before in old.methods.items():
        if used is not None and name not in used:
            continue
        after = new.methods.get(name)
        if after is None:
            found.append(f"{name} is gone ({RULE})")
        else:
            found += [f"{name}: {told} ({RULE})" for told in _changed(before, after)]
    return found


def _changed(old: MethodEntry, new: MethodEntry) -> Iterator[str]:
    before, after = dict(old.parameters), dict(new.parameters)
    for name in before:
        if name not in after:
            yield f"it takes no {name} any more"
    kept = [name for name in after if name in before]
    if kept != [name for name in before if name in after] or [*after][: len(kept)] != kept:
        yield "its arguments stand in another order"
    for name in after:
        if name not in before and name not in new.optional:
            yield f"it needs {name}, too"
        elif name in old.optional and name not in new.optional:
            yield f"it needs {name}"
    for name in kept:
        yield from _types(f"its {name}", before[name], after[name], "request")
    yield from _types("its answer", old.result, new.result, "response")


def _types(
    what: str, old: Stored | None, new: Stored | None, direction: Direction
) -> Iterator[str]:
    for change in compare(_type(old), _type(new), direction).changes:
        unread = direction == "response" and change.name.startswith("field-added")
        if unread or change.verdict(direction) == "breaking":
            yield f"{what}{change.pointer}: {change.rule.sentence}"


def _type(stored: Stored | None) -> GType:
    return _ANY if stored is None else GType(stored.root, stored.objects)
