"""Types as TypeScript: what stands in JSON (CG-10).

Decimals, dates, ids and bytes are strings, as they are written.
"""

from collections.abc import Iterable, Mapping, Sequence

from runtime.codegen.catalogue import Named, Scope
from runtime.codegen.operations import Service
from runtime.codegen.typescript_words import braces, comment, either, listed, literal, member
from runtime.gtype import kinds
from runtime.gtype.kinds import Any_, Field, Object, children

_NAMES: Mapping[type, str] = {
    kinds.Anything: "unknown",
    kinds.Null: "null",
    kinds.Bool: "boolean",
    kinds.Int: "number",
    kinds.Float: "number",
    kinds.Map: "",
}


class Types:
    """Writes types; *asked* are the classes that callers make."""

    def __init__(self, asked: Iterable[str], prefix: str = "") -> None:
        self.asked = frozenset(asked)
        self.prefix = prefix

    def part(  # noqa: PLR0911 - one a kind
        self, part: Any_, scope: Scope, *, open_: bool = False
    ) -> str:
        """Write one place of a type.

        Args:
            part: the place.
            scope: names what it refers to.
            open_: a server may come to answer with more members of an enumeration.
        """
        match part:
            case kinds.Ref():
                return self.prefix + scope.names[part.to]
            case kinds.Literal() | kinds.Enum():
                return either([*map(literal, part.values), *(_others(part) if open_ else ())])
            case kinds.Array():
                return f"Array<{self.part(part.item, scope, open_=open_)}>"
            case kinds.Tuple():
                return listed([self.part(each, scope, open_=open_) for each in part.items])
            case kinds.Map():
                return f"Record<string, {self.part(part.value, scope, open_=open_)}>"
            case kinds.Union():
                return either([self.part(each, scope, open_=open_) for each in part.members])
            case _:
                return _NAMES.get(type(part), "string")

    def named(self, named: Named) -> list[str]:
        """Write the type of an object."""
        each, is_answer = named.object, named.name not in self.asked
        lines = comment(str(each.doc.get("description", "")))
        if each.as_array:
            return [*lines, f"export type {named.name} = {self._row(named, open_=is_answer)};"]
        inner: list[str] = []
        if each.tag_field is not None and each.tag is not None:
            inner.append(f"{member(each.tag_field)}: {literal(each.tag)};")
        for field in each.fields:
            inner += comment(str(field.type.doc.get("description", "")))
            mark = "" if _is_there(each, field, is_answer=is_answer) else "?"
            kind = self.part(field.type, named.scope, open_=is_answer)
            inner.append(f"{member(field.name)}{mark}: {kind};")
        return [*lines, *braces(f"export interface {named.name}", inner)]

    def _row(self, named: Named, *, open_: bool) -> str:
        each = named.object
        last = max((n for n, field in enumerate(each.fields, 1) if field.required), default=0)
        items = [] if each.tag is None else [literal(each.tag)]
        for n, field in enumerate(each.fields, 1):
            kind = self.part(field.type, named.scope, open_=open_)
            items.append(kind if n <= last else f"({kind})?")
        if not each.closed:
            items.append("...unknown[]")
        return listed(items)


def _others(part: kinds.Literal | kinds.Enum) -> list[str]:
    # `string & {}` keeps the known members apart in an editor; plain `string` swallows them.
    types = {type(value) for value in part.values}
    return [word for kind, word in ((str, "(string & {})"), (int, "number")) if kind in types]


def _is_there(each: Object, field: Field, *, is_answer: bool) -> bool:
    known = field.made or field.default is not kinds.UNSET
    return field.required or (is_answer and known and not each.omit_defaults)


def asked_for(service: Service) -> frozenset[str]:
    """Name the classes that callers make: those that requests hold."""
    sides = [side for each in service.operations for side in (each.query, each.body)]
    found: set[str] = set()
    for scope in sides:
        if scope is not None:
            todo: list[Any_] = [scope.stored.root]
            seen: set[int] = set()
            while todo:
                part = todo.pop()
                if isinstance(part, kinds.Ref) and part.to not in seen:
                    seen.add(part.to)
                    todo.append(scope.stored.objects[part.to])
                todo.extend(children(part))
            found |= {scope.names[n] for n in seen}
    return frozenset(found)


def interfaces(service: Service) -> list[str]:
    """Write all types of a service."""
    types = Types(asked_for(service))
    found: list[str] = []
    for named in service.catalogue.classes:
        found += [*types.named(named), ""]
    return found[:-1]


def types_module(service: Service, header: str) -> str:
    """Write a module of types alone."""
    return "\n".join([*comments(header), "", *(interfaces(service) or ["export {};"]), ""])


def comments(header: str) -> Sequence[str]:
    """Write the first lines of a file."""
    return [f"// {line}" for line in header.splitlines()]
