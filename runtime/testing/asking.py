"""A request of a test, put together step by step (TH-7)."""

from collections.abc import Generator, Mapping
from typing import Any, Protocol
from urllib.parse import quote

import msgspec

from runtime.testing.results import Result


class Carrier(Protocol):
    """Sends a request that was put together."""

    async def carry(self, asking: "Asking") -> Result:
        """Send it and gather what it gave."""
        ...


class Asking(msgspec.Struct, frozen=True):
    """A request to be sent; each step gives a new one. To send it, await it."""

    carrier: Carrier
    method: str
    path: str
    """A path, or a template: `/orders/{order_id:int}`."""
    params: Mapping[str, Any] = {}
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def with_body(self, body: Any) -> "Asking":
        """Send *body*: bytes as they are, anything else as JSON."""
        if isinstance(body, bytes):
            return msgspec.structs.replace(self, body=body)
        json = msgspec.structs.replace(self, body=msgspec.json.encode(body))
        return json.with_header("content-type", "application/json")

    def with_path(self, **params: Any) -> "Asking":
        """Fill in parameters of the path.

        Raises:
            TypeError: the path has no such parameter.
        """
        for name in params:
            if f"{{{name}}}" not in self.path and f"{{{name}:" not in self.path:
                msg = f"{self.path} has no parameter {name!r}."
                raise TypeError(msg)
        return msgspec.structs.replace(self, params={**self.params, **params})

    def with_query(self, **query: Any) -> "Asking":
        """Add to the query; of a list each item."""
        pairs = [
            (name, str(each))
            for name, value in query.items()
            for each in (value if isinstance(value, list) else [value])
        ]
        return msgspec.structs.replace(self, query=(*self.query, *pairs))

    def with_header(self, name: str, value: str) -> "Asking":
        """Add a header field."""
        return msgspec.structs.replace(self, headers=(*self.headers, (name.lower(), value)))

    def version(self, selector: str) -> "Asking":
        """Ask for a version: an edition, an id, a tag, an instant or `latest`."""
        return self.with_header("timescape-version", selector)

    async def send(self) -> Result:
        """Send it."""
        return await self.carrier.carry(self)

    def __await__(self) -> Generator[Any, Any, Result]:
        return self.send().__await__()

    @property
    def target(self) -> str:
        """The path, filled in and encoded, with the query."""
        path = "/".join(self._segment(part) for part in self.path.split("/"))
        pairs = [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in self.query]
        return path if not pairs else f"{path}?{'&'.join(pairs)}"

    def _segment(self, part: str) -> str:
        if not (part.startswith("{") and part.endswith("}")):
            return part
        name, _, kind = part[1:-1].partition(":")
        if name not in self.params:
            msg = f"{self.path} needs {name!r}: call with_path({name}=…)."
            raise TypeError(msg)
        return quote(str(self.params[name]), safe="/" if kind == "path" else "")
