"""Reads plain JSON data as values of a stored type, with every fault of it."""

from typing import Any

import msgspec

from runtime.codegen.validating.faults import Issue, ValidationFailed
from runtime.gtype.kinds import Object, Ref
from runtime.gtype.passes import Passes
from runtime.gtype.plan import Node, find
from runtime.gtype.stored import read

_encode = msgspec.json.Encoder().encode


class Stored:
    """A stored type, compiled when it is first used.

    Args:
        text: as `timescape` stores types.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._nodes: dict[int | None, Node] = {}
        self._decoders: dict[int | None, msgspec.json.Decoder[Any]] = {}
        self._passes: Passes | None = None
        self._root: Any = None

    def read(self, number: int | None, value: object, hint: Any) -> Any:
        """Return *value* as what *hint* says.

        Args:
            number: place of an object in the table; None: the root.
            value: plain JSON data.
            hint: what the generated module of types has for it.

        Raises:
            ValidationFailed: it does not conform; with every issue.
        """
        found = find(self._node(number), value)
        if found.issues or found.truncated:
            # Of the server's class until this is copied, when it becomes that of `faults`.
            issues: tuple[Issue, ...] = found.issues  # type: ignore[assignment,unused-ignore]
            raise ValidationFailed(issues, truncated=found.truncated)
        decoder = self._decoders.get(number)
        if decoder is None:
            decoder = self._decoders[number] = msgspec.json.Decoder(hint)
        try:
            return decoder.decode(_encode(value))
        except (ValueError, RecursionError) as error:
            # Nothing is known that comes here; if it does, the value is refused all the same.
            told = Issue("", "check", "a value its type accepts", "another value", str(error))
            raise ValidationFailed((told,)) from error

    def _node(self, number: int | None) -> Node:
        known = self._nodes.get(number)
        if known is None:
            passes = self._passes or self._compiled()
            part = self._root if number is None else Ref(to=number)
            known = self._nodes[number] = passes.node(part)
        return known

    def _compiled(self) -> Passes:
        objects: tuple[Object, ...]
        self._root, objects = read(self._text)
        self._passes = Passes(objects)
        return self._passes
