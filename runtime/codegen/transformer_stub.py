"""The beginning of a transformer between two versions: what types say is written, the rest is left.

What is left is a `raise NotImplementedError`, with which no transformer is taken (CG-13).
"""

import ast
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from runtime.breaking import Change, compare
from runtime.breaking.differences import type_of
from runtime.codegen.naming import snake
from runtime.codegen.syntax import const
from runtime.gtype import GType, gtype, kinds
from runtime.gtype.kinds import UNSET, Field
from runtime.gtype.stored import Stored
from runtime.manifests import HandlerManifest
from runtime.manifests.differences import diff

_HELPER = '''

def each(value: Any, *steps: str) -> Iterator[Any]:
    """Give all that stands at a place; `*` is any item."""
    if not steps:
        yield value
    elif isinstance(value, dict) and steps[0] != "*":
        if steps[0] in value:
            yield from each(value[steps[0]], *steps[1:])
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from each(item, *steps[1:])
'''


class _NoFields(msgspec.Struct):
    """A query nobody declared."""


_NO_FIELDS = gtype(_NoFields)


class _Function(msgspec.Struct, frozen=True):
    """One function of a transformer: from the types of one version to those of the other."""

    name: str
    doc: str
    sides: Sequence[tuple[str, GType, GType]]
    """`body`, and what it is made from and into."""


def file_name(old: HandlerManifest, new: HandlerManifest) -> str:
    """Name the file: `post_quotes_2026_03_01_to_2026_10_01.py`."""
    older, newer = ((each.version or "first").replace("-", "_") for each in (old, new))
    return f"{snake(old.handler)}_{older}_to_{newer}.py"


def stub(old: HandlerManifest, new: HandlerManifest) -> str | None:
    """Write a transformer between two versions of a handler; None: nothing is to be done.

    Args:
        old: of the older version.
        new: of its neighbour.
    """
    functions = [each for each in _functions(old, new) if any(_changes(each))]
    if not functions:
        return None
    bodies = [_function(each) for each in functions]
    helper = _HELPER if any("each(" in body for body in bodies) else ""
    uses = "\nfrom collections.abc import Iterator\nfrom typing import Any\n" if helper else ""
    names = [_shown(each.version) for each in (old, new)]
    head = f'"""From {old.handler} {names[0]} to {names[1]}, and back."""\n{uses}\n'
    beside = "".join(f"# {_line(each)}\n" for each in _beside(old, new))
    return (
        head
        + "from runtime import App, Parts\n"
        + (f"\n# No transformer helps with these:\n{beside}" if beside else "")
        + helper
        + "".join(bodies)
        + _register(old, new, [each.name for each in functions])
    )


def _shown(version: str | None) -> str:
    return version or "without edition"


def _functions(old: HandlerManifest, new: HandlerManifest) -> Iterator[_Function]:
    names = tuple(_shown(each.version) for each in (old, new))
    for word, source, target, way in (("up", old, new, names), ("down", new, old, names[::-1])):
        of, into = way
        sides = [("query", _query(source), _query(target)), *_bodies(source, target)]
        yield _Function(f"request_{word}", f"Make a request of {of} one of {into}.", sides)
    for word, source, target, way in (("down", new, old, names[::-1]), ("up", old, new, names)):
        of, into = way
        answers = [("body", type_of(_answer(source)), type_of(_answer(target)))]
        yield _Function(f"response_{word}", f"Make an answer of {of} one of {into}.", answers)


def _query(manifest: HandlerManifest) -> GType:
    return _NO_FIELDS if manifest.query is None else type_of(manifest.query)


def _bodies(source: HandlerManifest, target: HandlerManifest) -> list[tuple[str, GType, GType]]:
    if not source.takes == target.takes == "json":
        return []
    return [("body", type_of(source.body), type_of(target.body))]


def _answer(manifest: HandlerManifest) -> Stored | None:
    return min(manifest.answers, default=(204, None), key=lambda pair: pair[0])[1]


def _changes(function: _Function) -> Iterator[tuple[str, Change]]:
    """Give what has to be done, and may: what one version gives has to be what the other takes."""
    for part, source, target in function.sides:
        for change in compare(source, target, "request").changes:
            if change.verdict("request") == "breaking" or change.name.startswith("field-"):
                yield part, change


def _beside(old: HandlerManifest, new: HandlerManifest) -> list[str]:
    typed = ("query", "body", "answer 2")
    return [
        change.sentence
        for change in diff(old, new).changes
        if change.verdict == "breaking" and not change.section.startswith(typed)
    ]


def _function(function: _Function) -> str:
    lines: list[str] = []
    left: list[str] = []
    for part, change in _changes(function):
        target = next(made for name, _, made in function.sides if name == part)
        written, open_ = _written(part, change, target)
        lines += written
        left += open_
    # What is left comes first: it may be made of what is dropped afterwards.
    body = "".join(f"    {line}\n" for line in [*left, *lines, "return parts"])
    doc = ast.unparse(ast.Expr(const(function.doc)))
    return f"\n\ndef {function.name}(parts: Parts) -> Parts:\n    {doc}\n{body}"


def _written(part: str, change: Change, target: GType) -> tuple[list[str], list[str]]:
    """Give what can be written of a change, and what is left to whoever knows what it means."""
    *steps, name = [_unescaped(each) for each in change.pointer.split("/")[1:]] or [""]
    told = _line(f"{part} {change.sentence}")
    if change.name.startswith("field-removed"):
        return [f"# {told}", *_in_each(part, steps, f".pop({_text(name)}, None)")], []
    if change.name == "now-closed":
        return [f"# {told}", *_nothing_else(part, change, target)], []
    if change.name in {"field-added", "field-added-closed"}:
        # In a query everything is text, and what is not there is filled in all the same.
        default = None if part == "query" else _default(target, [*steps, name])
        if default is None:
            return [f"# {told}: its default is filled in"], []
        call = f".setdefault({_text(name)}, {ast.unparse(const(default[0]))})"
        return [f"# {told}", *_in_each(part, steps, call)], []
    asked = ast.unparse(ast.Raise(ast.Call(ast.Name("NotImplementedError"), [const(told)], [])))
    hint = [f"# {_line(change.hint)}"] if change.hint else []
    return [], [*hint, asked]


def _in_each(part: str, steps: Sequence[str], call: str) -> list[str]:
    if not steps:
        return [f"parts.{part}{call}"]
    way = ", ".join(_text(step) for step in steps)
    return [f"for place in each(parts.{part}, {way}):", f"    place{call}"]


def _nothing_else(part: str, change: Change, target: GType) -> list[str]:
    """Drop what the target does not declare, and refuses."""
    steps = [_unescaped(each) for each in change.pointer.split("/")[1:]]
    found, _ = _at(target, steps)
    fields = target.objects[found.to].fields if isinstance(found, kinds.Ref) else ()
    names = ast.unparse(const([each.name for each in fields]))
    way = "".join(f", {_text(step)}" for step in steps)
    return [
        f"for place in each(parts.{part}{way}):",
        f"    for name in place.keys() - set({names}):",
        "        del place[name]",
    ]


def _default(made: GType, steps: Sequence[str]) -> tuple[Any] | None:
    """Give the default of a field, in a tuple; None: it is not known as plain data."""
    _, field = _at(made, steps)
    if field is None or field.default is UNSET:
        return None
    plain = msgspec.json.decode(msgspec.json.encode(field.default))
    return (plain,) if isinstance(plain, str | int | float | bool | None) else None


def _at(made: GType, steps: Sequence[str]) -> tuple[Any, Field | None]:
    """Give what stands at a place, and the field it stands in, if it stands in one."""
    found: Any = made.root
    field: Field | None = None
    for step in steps:
        found = _plain(found)
        if isinstance(found, kinds.Ref):
            fields = {each.name: each for each in made.objects[found.to].fields}
            field = fields.get(step)
            found = None if field is None else field.type
        else:
            found, field = getattr(found, "item", getattr(found, "value", None)), None
    return _plain(found), field


def _plain(part: Any) -> Any:
    """Take the null off what may be null."""
    if not isinstance(part, kinds.Union):
        return part
    rest = [each for each in part.members if not isinstance(each, kinds.Null)]
    return rest[0] if len(rest) == 1 else part


def _register(old: HandlerManifest, new: HandlerManifest, names: Sequence[str]) -> str:
    given = "".join(f"        {name}={name},\n" for name in names)
    words = ", ".join(ast.unparse(const(each)) for each in (old.handler, old.version, new.version))
    doc = '"""Let *app* serve callers of either version."""'
    return (
        f"\n\ndef register(app: App) -> None:\n    {doc}\n    app.transformer(\n"
        f"        {words},\n{given}    )\n"
    )


def _text(name: str) -> str:
    return ast.unparse(const(name))


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def _line(text: str) -> str:
    """Give *text* as one line that cannot be more than a comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


__all__ = ["file_name", "stub"]
