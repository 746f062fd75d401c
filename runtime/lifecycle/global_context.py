"""What all requests of a runtime share: who it is, its modules, its config (GC-1)."""

import datetime as dt
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

import msgspec

from eventstore.errors import FrozenValueError
from eventstore.values import Viewer, encode
from runtime.effects import Desk
from runtime.errors import ContextError
from runtime.lifecycle.problems import URN
from runtime.modules import CALLER, ModuleRegistry, Modules
from runtime.queue import Options, Topic
from runtime.secrets import Environment, Provider, Secrets
from runtime.telemetry import Metrics

_REMEDY = "Config is read-only; change its source and restart."


class Instance(msgspec.Struct, frozen=True):
    """The process that runs."""

    id: str = "unknown"
    region: str = "unknown"
    zone: str = "unknown"
    started_at: dt.datetime | None = None


class GlobalContext:
    """Handed to handlers as `gctx`; nothing of it can be changed.

    Args:
        modules: what `gctx.modules` reaches; those registered later are reached, too.
        config: plain data; copied, so that later changes of it are not seen.
        instance: who runs.
        secrets: where `gctx.secrets` come from, in this order; None: the environment.
        topics: the topics of the app, by name.
        desk: takes what is published; None: nobody subscribes.
        problem_base: what the types of problem documents begin with.

    Attributes:
        instance: who runs.
        modules: a stub for each module, by name.
        config: deep frozen.
        secrets: read by name, as effects.
        metrics: counters, gauges and histograms of the app.
        topics: the topics of the app, by name; see `publish`.
        problem_base: what the types of problem documents begin with, before their code.
    """

    __slots__ = (
        "config", "desk", "instance", "metrics", "modules", "problem_base", "secrets", "topics",
    )  # fmt: skip
    instance: Instance
    modules: Modules
    config: Any
    secrets: Secrets
    desk: Desk | None
    topics: Mapping[str, Topic]
    metrics: Metrics
    problem_base: str

    def __init__(
        self,
        modules: ModuleRegistry | None = None,
        config: Mapping[str, Any] | None = None,
        instance: Instance | None = None,
        secrets: Provider | Iterable[Provider] | None = None,
        topics: Mapping[str, Topic] | None = None,
        desk: Desk | None = None,
        problem_base: str = URN,
    ) -> None:
        put = object.__setattr__
        put(self, "problem_base", problem_base)
        put(self, "topics", MappingProxyType(dict(topics or {})))
        put(self, "desk", desk)
        put(self, "instance", instance or Instance())
        put(self, "modules", Modules(modules or ModuleRegistry()))
        put(self, "secrets", Secrets(Environment() if secrets is None else secrets))
        put(self, "metrics", Metrics())
        put(self, "config", Viewer(remedy=_REMEDY).view(encode(dict(config or {}))))

    def publish(
        self,
        topic: str,
        payload: object,
        *,
        key: str | None = None,
        priority: int | None = None,
        ttl: float | None = None,
        when: str = "success",
    ) -> Any:
        """Publish a message on a topic of the app; in async handlers and hooks to be awaited.

        It is delivered when the request ends well, from the same commit.

        Args:
            topic: as declared with `app.topic`.
            payload: of the topic's type.
            key: messages of one key are taken one after the other.
            priority: 0 to 10, higher first; None: the topic's.
            ttl: seconds after which it is not delivered any more; None: the topic's.
            when: `success`, or `always`: also if the request fails.

        Raises:
            UnknownTopicError: there is no such topic.
            MessageTypeError: *payload* is not of the topic's type, or an option cannot be.
            QueueFullError: there is no room; unhandled it answers 503.
            ContextError: no request runs; see `App.publish`.
        """
        caller = CALLER.get()
        if caller is None:
            msg = f"{topic!r} was published on outside of a request."
            raise ContextError(msg, "Use `await app.publish(…)`, or publish in a handler or hook.")
        return caller.publish_message(topic, payload, Options(key, priority, ttl, when))

    def request(
        self,
        topic: str,
        payload: object,
        *,
        timeout: float = 30.0,
        key: str | None = None,
        priority: int | None = None,
        ttl: float | None = None,
    ) -> Any:
        """Publish a message and wait for its result; in async handlers and hooks to be awaited.

        It is delivered at once, whatever becomes of the request. The result is what the first
        subscriber answers, as it is recorded: plain JSON data, None if it returns nothing.

        Args:
            topic: as declared with `app.topic`.
            payload: of the topic's type.
            timeout: seconds to wait; a result that comes later stays in the log.
            key: messages of one key are taken one after the other.
            priority: 0 to 10, higher first; None: the topic's.
            ttl: seconds after which it is not delivered any more; None: the topic's.

        Raises:
            ResultTimeoutError: nobody answered in time.
            UnknownTopicError: there is no such topic.
            MessageTypeError: *payload* is not of the topic's type, or an option cannot be.
            QueueFullError: there is no room; unhandled it answers 503.
            ContextError: no request runs.
        """
        caller = CALLER.get()
        if caller is None:
            msg = f"A result of {topic!r} was asked for outside of a request."
            raise ContextError(msg, "Ask in a handler or hook.")
        return caller.ask_subscriber(topic, payload, Options(key, priority, ttl), timeout)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise _frozen(name)

    def __delattr__(self, name: str) -> NoReturn:
        raise _frozen(name)


def _frozen(name: str) -> FrozenValueError:
    return FrozenValueError(f"gctx.{name}", "Keep what changes in the request, or in a module.")
