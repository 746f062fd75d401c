"""Reads the query into a declared type, field by field (GT-7)."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import inspect as mi

from runtime.errors import UnsupportedTypeError
from runtime.facts import Issue
from runtime.gtype.check import check
from runtime.gtype.findings import issue, under
from runtime.gtype.hints import inspect, strip
from runtime.gtype.text_fields import field_of, value_of
from runtime.messages import ValidationFailed

_PREFIX = "/query"


class QueryReader:
    """Reads a query as an object of a declared type."""

    def __init__(self, hint: Any) -> None:
        info, _ = strip(inspect(hint))
        if not isinstance(info, mi.StructType | mi.DataclassType | mi.TypedDictType):
            raise UnsupportedTypeError(
                problem=f"The query type {hint} is not an object.",
                remedy="Use a Struct, dataclass or TypedDict.",
            )
        self.checker = check(hint)
        """Checks what was read."""
        self._fields = {f.encode_name: field_of(f, f"the query type {hint}") for f in info.fields}
        self._names = {f.encode_name: f.name for f in info.fields}
        self._by_key = isinstance(info, mi.TypedDictType)
        self.hidden = frozenset(path.split("/")[1] for path in self.checker.redact.paths)
        """Names of the fields that are sensitive."""

    def read(self, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Read *pairs* into values by field name, defaults filled in.

        Raises:
            ValidationFailed: with every issue, below `/query`.
        """
        repeated: list[Issue] = []
        plain: dict[str, Any] = {}
        for name, text in pairs:
            known = self._fields.get(name)
            if known is None:
                plain[name] = text
                continue
            kinds, many = known
            value = value_of(kinds, text)
            if many:
                plain.setdefault(name, []).append(value)
            elif name not in plain:
                plain[name] = value
            elif not any(i.path == f"/{name}" for i in repeated):
                repeated.append(issue((None, name), "repeated", "one value", "several"))
        try:
            decoded = self.checker.decode(msgspec.json.encode(plain))
        except ValidationFailed as refused:
            issues = (*repeated, *refused.issues)
            raise ValidationFailed(
                "request", under(_PREFIX, issues), truncated=refused.truncated
            ) from None
        if repeated:
            raise ValidationFailed("request", under(_PREFIX, repeated))
        if self._by_key:
            return dict(decoded)
        return {name: getattr(decoded, name) for name in self._names.values()}
