"""What a handler knows and may do about its own request: `lctx`.

Every change is a fact first; nothing is kept here (LC-9).
"""

import datetime as dt
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

from runtime.context import check_key
from runtime.facts import ContextCleaned, ContextDeleted, ContextSet, EventPublished, Json
from runtime.lifecycle import asking, publishing, registering, rewinding
from runtime.lifecycle.about import About
from runtime.lifecycle.draft import Draft
from runtime.lifecycle.retrying import Retrying
from runtime.lifecycle.run import Lease, Run
from runtime.lifecycle.subscribing import Subscription, first, topics_of
from runtime.lifecycle.topics import LOG, check_name, check_topic, log_payload, show_line
from runtime.modules import CALLER, Method
from runtime.queue import Options
from runtime.secrets import Wish
from runtime.supervision import Backoff


class LocalContext(About):
    """One request, as its handler and hooks see it.

    All methods raise `ContextClosedError` once the request has ended, and in code that
    was given up after its time was over.
    """

    __slots__ = ()

    # --- state ---

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of *key*, or *default*.

        Containers come back as frozen views; change them with `edit`.
        """
        values = self._live().record.state.values
        if key not in values:
            return default
        return self._run.surroundings.viewer.view(values[key])

    def set(self, key: str, value: object) -> None:
        """Set *key* to a copy of *value*.

        Raises:
            ContextKeyError: *key* is not text of 1 to 256 bytes.
            ReservedKeyError: *key* belongs to the runtime.
            UnsupportedValueError: *value* is not plain data; names path and reason.
            ValueTooLargeError: above 1 MiB, or 16 MiB with all others.
        """
        check_key(key)
        run = self._live()
        tree = asking.to_tree(run, value)
        size = run.holdings.check(key, tree)
        run.record.add_for(self._lease, ContextSet(tree), key, run.surroundings.sites.here(1))
        run.holdings.put(key, size)

    def delete(self, key: str) -> bool:
        """Remove *key*; say whether it was there."""
        run = self._live()
        if key not in run.record.state.values:
            return False
        run.record.add_for(self._lease, ContextDeleted(), key, run.surroundings.sites.here(1))
        run.holdings.drop(key)
        return True

    def clean(self) -> int:
        """Remove all keys; return how many there were."""
        run = self._live()
        count = len(run.record.state.values)
        if count:
            run.record.add_for(self._lease, ContextCleaned(), None, run.surroundings.sites.here(1))
            run.holdings.replace({})
        return count

    def edit(self, key: str, default: Callable[[], Any] | None = None) -> Draft:
        """Change a value as a plain draft: `with lctx.edit("cart") as cart: …`.

        The change is recorded, as a patch, when the block ends without an exception.

        Args:
            key: of a list, dict, set or object.
            default: makes the draft when *key* is absent.

        Raises:
            KeyError: *key* is absent and there is no *default*; at `with`.
            TypeError: the value cannot be edited in place; at `with`.
            EditConflictError: *key* changed meanwhile; at the end of the block.
        """
        check_key(key)
        return Draft(self._live(), self._lease, key, default)

    def __contains__(self, key: object) -> bool:
        return key in self._live().record.state.values

    def keys(self) -> list[str]:
        """Return the keys, in order of first setting."""
        return list(self._live().record.state.values)

    # --- moments ---

    def snapshot(self, name: str | None = None) -> str:
        """Name this moment, and commit what led to it; return its id `<request id>@<revision>`.

        Raises:
            DuplicateSnapshotError: the request has a snapshot of this name.
            ContextKeyError: *name* is not text of 1 to 128 characters.
        """
        run = self._live()
        return rewinding.snapshot(run, self._lease, name, run.surroundings.sites.here(1))

    def restore(self, snapshot: str) -> None:
        """Make the state what it was at *snapshot*, a name or an id.

        Raises:
            SnapshotNotFoundError: this request has no such snapshot; names those it has.
        """
        run = self._live()
        rewinding.restore(run, self._lease, snapshot, run.surroundings.sites.here(1))

    # --- hooks, undoing, cleaning up ---

    def before(
        self,
        fn: Callable[..., Any],
        timeout: float | None = 5.0,
        retries: int = 0,
        *,
        backoff: Backoff | None = None,
    ) -> str:
        """Run *fn* before the handler, after those that are registered; return its id.

        Args:
            fn: the hook.
            timeout: seconds an attempt may take; None: until the request's deadline.
            retries: attempts after the first, if it fails.
            backoff: what is waited between them; None: nothing.

        Raises:
            SignatureError: it asks for something else than req, res, lctx, gctx.
            PolicySyntaxError: *timeout*, *retries* or *backoff* cannot be.
            HookPhaseClosedError: too late (HO-5).
        """
        return self._hook("before", fn, (timeout, retries, backoff))

    def after(
        self,
        fn: Callable[..., Any],
        timeout: float | None = 5.0,
        retries: int = 0,
        *,
        backoff: Backoff | None = None,
    ) -> str:
        """Run *fn* after the handler, before those that are registered; see `before`.

        It may ask for `result`, too.
        """
        return self._hook("after", fn, (timeout, retries, backoff))

    def catch(
        self,
        fn: Callable[..., Any],
        timeout: float | None = 5.0,
        retries: int = 0,
        *,
        backoff: Backoff | None = None,
    ) -> str:
        """Run *fn* if the request fails, before those that are registered; see `before`.

        It may ask for `error`, too.
        """
        return self._hook("catch", fn, (timeout, retries, backoff))

    def _hook(self, kind: str, fn: Callable[..., Any], limits: registering.HookLimits) -> str:
        run = self._live()
        site = run.surroundings.sites.here(2)
        return registering.hook(run, self._lease, kind, fn, limits, site)

    def compensate(self, fn: Callable[..., Any] | Retrying, *args: Any, **kwargs: Any) -> str:
        """Call *fn* with these arguments if the request fails; return its id.

        It is called once; `runtime.retrying` gives it further attempts.

        Raises:
            UnsupportedValueError: an argument cannot be recorded.
            HookPhaseClosedError: the request is failing already.
        """
        run = self._live()
        site = run.surroundings.sites.here(1)
        return registering.compensation(run, self._lease, fn, (args, kwargs), site)

    def cancel_compensation(self, compensation: str) -> bool:
        """Drop a compensation by its id; say whether it was there."""
        run = self._live()
        site = run.surroundings.sites.here(1)
        return registering.cancel_compensation(run, self._lease, compensation, site)

    def on_cleanup(self, fn: Callable[..., Any]) -> str:
        """Run *fn* when the request ends, however it ends; return its id."""
        return self._callback("cleanup", fn)

    def on_timeout(self, fn: Callable[..., Any]) -> str:
        """Run *fn* when the deadline passed, before the catch hooks; return its id."""
        return self._callback("timeout", fn)

    def on_error(self, fn: Callable[..., Any]) -> str:
        """Run *fn* when the request fails, before the catch hooks; it may ask for `error`."""
        return self._callback("error", fn)

    def on_phase(self, fn: Callable[[str, str], Any]) -> str:
        """Call `fn(new, previous)` at each change of phase; return its id."""
        return self._callback("phase", fn)

    def _callback(self, kind: str, fn: Callable[..., Any]) -> str:
        run = self._live()
        return registering.callback(run, kind, fn, run.surroundings.sites.here(2))

    # --- the outside ---

    def now(self) -> dt.datetime:
        """Return the time: UTC, to the µs, never earlier than before in this request."""
        run = self._live()
        return asking.now(run, self._lease, run.surroundings.sites.here(1))

    def random(self) -> Random:
        """Return a random generator that gives the same when the request is replayed."""
        run = self._live()
        return asking.random(run, self._lease, run.surroundings.sites.here(1))

    def uuid(self) -> UUID:
        """Return a UUID that is the same when the request is replayed."""
        run = self._live()
        return asking.uuid(run, self._lease, run.surroundings.sites.here(1))

    def sleep(self, seconds: float) -> Any:
        """Wait: `await lctx.sleep(1.5)`; in a sync handler or hook without `await`."""
        run = self._live()
        site = run.surroundings.sites.here(1)
        return asking.here_or_later(run, asking.sleep(run, self._lease, seconds, site))

    def call_module(self, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method of a module; stubs do (`gctx.modules`), handlers need not."""
        run = self._live()
        site = run.surroundings.sites.here(1)
        if run.version.modules is not None:
            asking.refuse_undeclared(run, self._lease, method, site)
        work = asking.call_module(run, self._lease, method, (args, kwargs), site)
        return asking.here_or_later(run, work)

    def read_secret(self, wish: Wish) -> Any:
        """Read secrets; `gctx.secrets` does, handlers need not."""
        run = self._live()
        site = run.surroundings.sites.here(1)
        if run.version.secrets is not None:
            asking.refuse_ungranted(run, self._lease, wish, site)
        return asking.here_or_later(run, asking.secrets(run, self._lease, wish, site))

    def publish_message(self, topic: str, payload: object, options: Options) -> Any:
        """Publish on a topic of the app; `gctx.publish` does, handlers need not."""
        run = self._live()
        site = run.surroundings.sites.here(2)
        work = publishing.publish(run, self._lease, topic, payload, options, site)
        return asking.here_or_later(run, work)

    def ask_subscriber(
        self, topic: str, payload: object, options: Options, timeout_s: float
    ) -> Any:
        """Publish, and wait for a result; `gctx.request` does, handlers need not."""
        run = self._live()
        site = run.surroundings.sites.here(2)
        work = publishing.ask(run, self._lease, topic, payload, (options, timeout_s), site)
        return asking.here_or_later(run, work)

    def publish(self, topic: str, payload: object = None) -> None:
        """Publish on a topic of this request.

        Raises:
            ReservedKeyError: the topic is `log`.
            ContextKeyError: the topic is not text of 1 to 128 characters.
        """
        run = self._live()
        check_topic(topic)
        self._publish(run, topic, asking.to_tree(run, payload))

    def _publish(self, run: Run, topic: str, payload: Json) -> None:
        site = run.surroundings.sites.here(2)
        run.record.add_for(self._lease, EventPublished(payload), topic, site)
        if run.topics is not None:
            run.topics.deliver(topic, payload)

    def subscribe(self, topic: str, fn: Callable[[Any], Any] | None = None) -> Subscription:
        """Listen to a topic of this request, `log` too, from now on.

        Args:
            topic: exactly; others are not heard.
            fn: called with each payload, in order, where it is published. It is no coroutine
                function; one that raises is recorded and disturbs nobody. None: the payloads
                are read, `async for payload in lctx.subscribe(topic)`; one who leaves more
                than 1,000 unread gets a `SubscriberOverflowError`.

        Returns:
            The subscription; `close` ends it.

        Raises:
            ContextKeyError: the topic is not text of 1 to 128 characters.
            SignatureError: *fn* is a coroutine function.
        """
        run = self._live()
        check_name(topic, "topic")
        site = run.surroundings.sites.here(1)
        return topics_of(run).add(self._lease, topic, fn, site)

    def wait_for(self, topic: str, timeout: float = 30.0) -> Any:
        """Wait for the next publication on a topic: `await lctx.wait_for("paid")`.

        It hears what is published from the call on. In a sync handler or hook it is called
        without `await`.

        Raises:
            WaitTimeoutError: nothing came within *timeout* seconds.
            ContextKeyError: the topic is not text of 1 to 128 characters.
        """
        run = self._live()
        check_name(topic, "topic")
        site = run.surroundings.sites.here(1)
        subscription = topics_of(run).add(self._lease, topic, None, site)
        return asking.here_or_later(run, first(subscription, timeout))

    def log(self, message: str, level: str = "info", **fields: Any) -> None:
        """Write a log line of this request.

        Args:
            message: what happened.
            level: debug, info, warning or error.
            **fields: plain data.
        """
        run = self._live()
        payload = asking.to_tree(run, log_payload(message, level, fields))
        self._publish(run, LOG, payload)
        show_line(payload, run.record.scrubber)


def renew(run: Run) -> None:
    """Hand a new context with a new lease to the code of *run* that still comes."""
    run.lease = Lease()
    lctx = run.scope["lctx"] = LocalContext(run, run.lease)
    CALLER.set(lctx)
