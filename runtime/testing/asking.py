"""A request of a test, put together step by step (TH-7)."""

import asyncio
import datetime as dt
from collections.abc import Callable, Generator, Mapping
from typing import Any, Protocol, TypedDict
from urllib.parse import quote

import msgspec

from runtime.principals import Principal
from runtime.testing.results import Result


class Carrier(Protocol):
    """Sends a request that was put together."""

    async def carry(self, asking: "Asking") -> Result:
        """Send it and gather what it gave."""
        ...


class Given(TypedDict, total=False):
    """What a request says, in one call; each is a step of `Asking`, too."""

    json: Any
    """See `Asking.with_body`; None: no body."""
    headers: Mapping[str, str]
    query: Mapping[str, Any]
    as_: Principal
    version: str


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
    principal: Principal | None = None
    """Who asks, whatever is sent; None: who proves to be somebody."""
    arrives: dt.datetime | None = None
    """When it is sent; None: now."""
    state: Mapping[str, Any] = {}
    """Values of its context that are there before its hooks run."""

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

    def as_(self, principal: Principal) -> "Asking":
        """Let *principal* ask, with nothing to prove it by.

        Who asks an app that has no authenticators needs no roles: it does not start otherwise.
        """
        return msgspec.structs.replace(self, principal=principal)

    def at(self, instant: dt.datetime) -> "Asking":
        """Send it at an instant; virtual time goes on until then.

        Raises:
            ValueError: it has no time zone.
        """
        if instant.tzinfo is None:
            msg = f"{instant} has no time zone."
            raise ValueError(msg)
        return msgspec.structs.replace(self, arrives=instant)

    def with_state(self, **values: Any) -> "Asking":
        """Set values of the context before anything runs; for what `Harness.run` began."""
        return msgspec.structs.replace(self, state={**self.state, **values})

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


def asked(method: str, path: str, carrier: Carrier, options: Given) -> Asking:
    """Put a request together in one call."""
    asking = Asking(carrier, method, path, principal=options.get("as_"))
    for name, value in options.get("headers", {}).items():
        asking = asking.with_header(name, value)
    asking = asking.with_query(**options.get("query", {}))
    if "version" in options:
        asking = asking.version(options["version"])
    json = options.get("json")
    return asking if json is None else asking.with_body(json)


async def until(asking: Asking, clock: Callable[[], int]) -> None:
    """Let virtual time pass until a request is to be sent.

    Raises:
        ValueError: that has passed.
    """
    if asking.arrives is None:
        return
    wait_us = round(asking.arrives.timestamp() * 1_000_000) - clock()
    if wait_us < 0:
        msg = f"{asking.arrives} has passed: virtual time does not go back."
        raise ValueError(msg)
    await asyncio.sleep(wait_us / 1_000_000)
