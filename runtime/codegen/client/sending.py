"""Sends calls with httpx, and again where that may help.

What takes long to import waits for the first client: a program that only may call somebody
does not start later for it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    import httpx

from runtime.codegen.client.calls import PASSING, Answer, Call, delay_s, read, wish_of
from runtime.codegen.client.errors import ApiError, ConnectionFailed, SdkError

T = TypeVar("T")

Token = str | Callable[[], str] | None
"""Of the caller, or what gives it, anew for each attempt; None: nobody is named."""


def new_key() -> str:
    """Make an idempotency key."""
    import secrets  # noqa: PLC0415 - see the module's docstring

    return secrets.token_hex()


def new_chance() -> float:
    """Give a number from 0 to 1."""
    import random  # noqa: PLC0415

    return random.random()  # noqa: S311 - it spreads attempts


async def wait(seconds: float) -> None:
    """Wait without keeping others from their work."""
    import asyncio  # noqa: PLC0415

    await asyncio.sleep(seconds)


class Settings:
    """What holds for all calls of a client.

    Args:
        token: sent as `Authorization: Bearer …`.
        max_retries: attempts after the first.
        headers: sent with each call.
        key: makes an idempotency key for a call.
        chance: from 0 to 1, spreads the attempts of many clients.
        now: seconds since 1970, for a `Retry-After` that is a date.
    """

    def __init__(
        self,
        token: Token,
        max_retries: int,
        headers: Mapping[str, str] | None,
        *,
        key: Callable[[], str] = new_key,
        chance: Callable[[], float] = new_chance,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.token = token
        self.max_retries = max_retries
        self.headers = dict(headers or {})
        self.key = key
        self.chance = chance
        self.now = now

    def own(self, call: Call[T], given: Mapping[str, str] | None) -> Mapping[str, str]:
        """Give the headers that a call has in all its attempts: its key, and the caller's."""
        key = {"idempotency-key": self.key()} if call.takes_key else {}
        return {**key, **{name.lower(): value for name, value in (given or {}).items()}}

    def around(self, call: Call[T], own: Mapping[str, str]) -> dict[str, str]:
        """Give the headers of an attempt."""
        token = self.token() if callable(self.token) else self.token
        return {**call.headers(token), **self.headers, **own}

    def pause_s(
        self, call: Call[T], attempt: int, error: SdkError, headers: Mapping[str, str]
    ) -> float:
        """Say how long to wait before the next attempt.

        Raises:
            SdkError: *error* itself: there is none.
        """
        error.attempts = attempt
        may_pass = isinstance(error, ConnectionFailed) or (
            isinstance(error, ApiError) and error.status in PASSING
        )
        if not may_pass or not call.is_repeatable or attempt > self.max_retries:
            raise error
        return delay_s(attempt, self.chance(), wish_of(headers, self.now()))


class Sender:
    """Sends calls, one after the other."""

    def __init__(
        self, client: httpx.Client, settings: Settings, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.client = client
        self.settings = settings
        self.sleep = sleep

    def send(
        self, call: Call[T], timeout: float | None, headers: Mapping[str, str] | None
    ) -> Answer[T]:
        """Send *call* until it has an answer, or no attempt is left.

        Raises:
            ApiError, ConnectionFailed, ContractViolation: the last attempt ended so.
        """
        import httpx  # noqa: PLC0415

        attempt = 0
        own = self.settings.own(call, headers)
        while True:
            attempt += 1
            came: Mapping[str, str] = {}
            try:
                answer = self.client.request(
                    call.method,
                    call.path,
                    params=call.query or None,
                    content=call.body,
                    headers=self.settings.around(call, own),
                    timeout=httpx.USE_CLIENT_DEFAULT if timeout is None else timeout,
                )
                came = dict(answer.headers)
                return read(call, answer.status_code, came, answer.content)
            except httpx.TransportError as error:
                failed: SdkError = ConnectionFailed(f"{call.method} {call.path}: {error!r}")
                failed.__cause__ = error
            except SdkError as error:
                failed = error
            self.sleep(self.settings.pause_s(call, attempt, failed, came))


class AsyncSender:
    """Sends calls, as many at a time as are awaited."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        settings: Settings,
        sleep: Callable[[float], Awaitable[None]] = wait,
    ) -> None:
        self.client = client
        self.settings = settings
        self.sleep = sleep

    async def send(
        self,
        call: Call[T],
        timeout: float | None,  # noqa: ASYNC109 - httpx keeps it, for each attempt
        headers: Mapping[str, str] | None,
    ) -> Answer[T]:
        """Send *call*; see `Sender.send`."""
        import httpx  # noqa: PLC0415

        attempt = 0
        own = self.settings.own(call, headers)
        while True:
            attempt += 1
            came: Mapping[str, str] = {}
            try:
                answer = await self.client.request(
                    call.method,
                    call.path,
                    params=call.query or None,
                    content=call.body,
                    headers=self.settings.around(call, own),
                    timeout=httpx.USE_CLIENT_DEFAULT if timeout is None else timeout,
                )
                came = dict(answer.headers)
                return read(call, answer.status_code, came, answer.content)
            except httpx.TransportError as error:
                failed: SdkError = ConnectionFailed(f"{call.method} {call.path}: {error!r}")
                failed.__cause__ = error
            except SdkError as error:
                failed = error
            await self.sleep(self.settings.pause_s(call, attempt, failed, came))


class BaseClient:
    """What a client is besides its methods; a context manager.

    Args:
        base_url: where the service is.
        token: of the caller, or what gives it; sent as `Authorization: Bearer …`.
        timeout: seconds for each attempt.
        max_retries: attempts after the first, where sending it again may help.
        headers: sent with each call.
        transport: what carries requests; None: the network.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: Token = None,
        timeout: float = 30.0,
        max_retries: int = 2,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        import httpx  # noqa: PLC0415

        client = httpx.Client(base_url=base_url, timeout=timeout, transport=transport)
        self._sender = Sender(client, Settings(token, max_retries, headers))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let its connections go."""
        self._sender.client.close()


class BaseAsyncClient:
    """What an async client is besides its methods; see `BaseClient`."""

    def __init__(
        self,
        base_url: str,
        *,
        token: Token = None,
        timeout: float = 30.0,
        max_retries: int = 2,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        import httpx  # noqa: PLC0415

        client = httpx.AsyncClient(base_url=base_url, timeout=timeout, transport=transport)
        self._sender = AsyncSender(client, Settings(token, max_retries, headers))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let its connections go."""
        await self._sender.client.aclose()
