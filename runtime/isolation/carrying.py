"""Arguments and answers on their way between processes, by the value codec (RPC-2)."""

from collections.abc import Iterable
from typing import Any

from eventstore import EventStoreError
from eventstore.values import Classes, Tree, decode, encode, tree_bytes, value_depth
from eventstore.values.tree import tree_from_bytes
from runtime.errors import RPCFrameError, RPCSerializationError
from runtime.gtype.named import named_classes
from runtime.modules import Module

MAX_DEPTH = 64


class Carrier:
    """Carries the values that the methods of a module declare.

    Nothing is hidden on this way: the values come to who is to work with them.

    Args:
        module: whose methods.
    """

    def __init__(self, module: Module) -> None:
        self._classes = Classes()
        for cls in _classes(module):
            try:
                self._classes.register(cls)
            except EventStoreError:
                # As an argument it is refused then, with its place.
                continue

    def dump(self, value: object, what: str) -> bytes:
        """Write *value*.

        Args:
            value: to be carried.
            what: it is, for who is told that it cannot be.

        Raises:
            RPCSerializationError: it cannot, with path and reason.
            RPCFrameError: it nests too deeply.
        """
        try:
            tree: Tree = encode(value, self._classes)
        except EventStoreError as error:
            raise RPCSerializationError(
                problem=f"{what} cannot be carried: {error.problem}", remedy=error.remedy
            ) from error
        data = tree_bytes(tree)
        # What has fewer brackets cannot be deeper: nearly nothing has to be gone through.
        brackets = data.count(b"[") + data.count(b"{")
        if brackets > MAX_DEPTH and value_depth(tree) > MAX_DEPTH:
            raise RPCFrameError(
                problem=f"{what} is nested deeper than {MAX_DEPTH}.", remedy="Send it flatter."
            )
        return data

    def load(self, data: bytes, what: str) -> Any:
        """Read what `dump` wrote in the other process.

        Raises:
            RPCSerializationError: that one did not.
        """
        try:
            return decode(tree_from_bytes(data), self._classes)
        except (EventStoreError, ValueError, RecursionError) as error:
            raise RPCSerializationError(
                problem=f"{what} came back as what cannot be read.", remedy="Look at the module."
            ) from error


def _classes(module: Module) -> Iterable[type]:
    for each in module.methods.values():
        signature = each.method.signature
        assert signature is not None  # noqa: S101 - every method of a Module has one
        hints = [one.annotation for one in signature.parameters.values()]
        for hint in (*hints, signature.return_annotation):
            yield from named_classes(type(None) if hint is None else hint)
