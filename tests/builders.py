"""Requests and handlers without an app."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from eventstore import StreamId
from runtime.effects import Sites
from runtime.facts import Issue
from runtime.lifecycle.binding import bind
from runtime.lifecycle.handlers import HandlerVersion, Hook
from runtime.lifecycle.registering import new_hook
from runtime.messages import Fields, Received, Request, ValidationFailed
from runtime.principals import ANONYMOUS, Principal

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def received(
    stream: StreamId,
    received_us: int,
    *,
    method: str = "POST",
    path: str = "/orders",
    body: bytes = b"",
    headers: tuple[tuple[str, str], ...] = (),
    params: dict[str, str] | None = None,
    timeout_s: float | None = None,
    principal: Principal = ANONYMOUS,
) -> Received:
    """Return a request as the edge would hand it on."""
    return Received(
        stream=stream,
        method=method,
        path=path,
        received_us=received_us,
        params=params or {},
        headers=headers,
        body=body,
        timeout_s=timeout_s,
        principal=principal,
    )


def version_of(
    handler: Callable[..., Any],
    *,
    body: Any = Any,
    returns: Any = Any,
    before: Iterable[Callable[..., Any] | Hook] = (),
    after: Iterable[Callable[..., Any] | Hook] = (),
    catch: Iterable[Callable[..., Any] | Hook] = (),
    timeout_s: float = 30.0,
    cancel_on_disconnect: bool = False,
    route: str = "POST /orders",
    version: str = "tsv:1790000000-post-orders-1",
) -> HandlerVersion:
    """Return *handler* ready to run, checked by msgspec against *body* and *returns*.

    Args:
        handler: sync or async.
        body: type of the body; the default takes any JSON, and none as None.
        returns: type of the result; None answers 204.
        before: route hooks; functions get the defaults of a hook. So *after* and *catch*.
        after: see *before*.
        catch: see *before*.
        timeout_s: until the deadline.
        cancel_on_disconnect: whether a client that leaves ends the run.
        route: as registered.
        version: its id.
    """
    method, _, _ = route.partition(" ")
    return HandlerVersion(
        handler="post-orders",
        method=method,
        route=route,
        version=version,
        edition=None,
        call=bind(handler),
        parse=_parser(body),
        render=_renderer(returns),
        redact_body=_decode,
        redact_answer=_decode,
        before=_hooks("before", before),
        after=_hooks("after", after),
        catch=_hooks("catch", catch),
        timeout_s=timeout_s,
        cancel_on_disconnect=cancel_on_disconnect,
    )


def _hooks(kind: str, hooks: Iterable[Callable[..., Any] | Hook]) -> tuple[Hook, ...]:
    return tuple(
        each
        if isinstance(each, Hook)
        else new_hook(each, id=_id(each, i), kind=kind, level="route")
        for i, each in enumerate(hooks, 1)
    )


def _id(function: Callable[..., Any], number: int) -> str:
    place = Sites().of_code(getattr(function, "__code__", None))
    return f"{getattr(function, '__qualname__', place)}#{number}"


def _parser(body: Any) -> Callable[[Received], Request[Any]]:
    decode = msgspec.json.Decoder(body).decode

    def parse(message: Received) -> Request[Any]:
        try:
            decoded = decode(message.body) if message.body else msgspec.convert(None, body)
        except msgspec.ValidationError as error:
            raise ValidationFailed("request", (_issue(error),)) from None
        except msgspec.DecodeError as error:
            raise ValidationFailed("request", (_issue(error),)) from None
        return Request(
            method=message.method,
            url_path=message.path,
            path=Fields(message.params),
            query=Fields(dict(message.query)),
            headers=dict(message.headers),
            body=decoded,
            raw=message.body,
            principal=message.principal,
        )

    return parse


def _renderer(returns: Any) -> Callable[[object], bytes]:
    def render(result: object) -> bytes:
        if returns is not Any:
            try:
                msgspec.convert(result, returns, strict=True)
            except msgspec.ValidationError as error:
                raise ValidationFailed("response", (_issue(error),)) from None
        return b"" if result is None else _encode(result)

    return render


def _issue(error: Exception) -> Issue:
    return Issue(path="", code="invalid", expected="", actual="", message=str(error))
