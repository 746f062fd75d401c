"""Effects: ask the outside, and write down question and answer (EF-1)."""

import asyncio
import concurrent.futures
import datetime as dt
import threading
from collections.abc import Coroutine
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from eventstore import EventStoreError
from eventstore.values import Tree, encode
from runtime.effects.chance import seeded_random, seeded_uuid
from runtime.effects.failures import failure_of
from runtime.effects.virtual_loop import VirtualLoop
from runtime.errors import (
    CapabilityDeniedError,
    ModuleContractError,
    RPCSerializationError,
    SecretLeakError,
    UnsupportedValueError,
)
from runtime.facts import CapabilityDenied, EffectFailed, EffectRequested, EffectReturned, Json
from runtime.lifecycle.hosted import attempts_of, hosted_call
from runtime.lifecycle.meta import when
from runtime.lifecycle.points import in_effect
from runtime.lifecycle.run import Lease, Run
from runtime.lifecycle.waiting import ThreadWait
from runtime.modules import Method
from runtime.secrets import Wish, answer_of, check_complete, held_in, tree_of


def to_tree(run: Run, value: object) -> Tree:
    """Encode a user's value.

    Raises:
        UnsupportedValueError: it cannot be recorded; names path and reason.
        SecretLeakError: it is a secret, or holds one.
    """
    try:
        return encode(value, run.surroundings.viewer.classes)
    except EventStoreError as error:
        name = held_in(value)
        if name is not None:
            msg = f"The secret {name!r} was about to be recorded."
            raise SecretLeakError(msg, "Keep its name, and read it again.") from error
        raise UnsupportedValueError(error.problem, error.remedy) from error


def now(run: Run, lease: Lease, site: str | None) -> dt.datetime:
    """Read the clock; never earlier than before in this stream (EF-2)."""
    n = _requested(run, lease, "now", "now", None, site)
    at_us = max(run.surroundings.outside.now_us(n), run.last_now_us)
    run.last_now_us = at_us
    instant = when(at_us)
    run.record.add_for(lease, EffectReturned(n, encode(instant)), "now")
    return instant


def random(run: Run, lease: Lease, site: str | None) -> Random:
    """Return a generator that the request's seed decides."""
    n = _requested(run, lease, "random", "random", None, site)
    run.record.add_for(lease, EffectReturned(n), "random")
    return seeded_random(run.arrival.seed, n)


def uuid(run: Run, lease: Lease, site: str | None) -> UUID:
    """Return a UUID that the request's seed decides."""
    n = _requested(run, lease, "uuid", "uuid", None, site)
    made = seeded_uuid(run.arrival.seed, n)
    run.record.add_for(lease, EffectReturned(n, encode(made)), "uuid")
    return made


async def sleep(run: Run, lease: Lease, seconds: float, site: str | None) -> None:
    """Wait."""
    n = _requested(run, lease, "sleep", "sleep", to_tree(run, seconds), site)
    try:
        if run.gates is not None:
            await in_effect(run)
        await run.surroundings.outside.sleep(n, seconds)
    except BaseException as error:
        _failed(run, lease, n, "sleep", error)
        if run.gates is not None:
            await in_effect(run, error)
        raise
    run.record.add_for(lease, EffectReturned(n), "sleep")
    if run.gates is not None:
        await in_effect(run)


def refuse_undeclared(run: Run, lease: Lease, method: Method, site: str | None) -> None:
    """Refuse a method that the running version does not name in its `modules=`.

    Raises:
        CapabilityDeniedError: it is in the record, and nothing was called.
    """
    allowed = run.version.modules or frozenset()
    module, _, name = method.qualified.partition(".")
    if method.qualified in allowed or f"{module}.*" in allowed:
        return
    denied = CapabilityDenied(module, "module.call", name)
    run.record.add_for(lease, denied, method.qualified, site)
    raise CapabilityDeniedError(
        problem=f"{run.version.route} may not call {method.qualified}.",
        remedy="Name it in modules= of the handler.",
    )


async def call_module(
    run: Run,
    lease: Lease,
    method: Method,
    given: tuple[tuple[Any, ...], dict[str, Any]],
    site: str | None,
) -> Any:
    """Call a method of a module; arguments and answer go through the codec.

    Args:
        run: the request.
        lease: of who calls.
        method: what is called.
        given: its arguments, by position and by name.
        site: where it is called.
    """
    try:
        args, kwargs = to_tree(run, list(given[0])), to_tree(run, given[1])
    except UnsupportedValueError as error:
        if not method.hosted:
            raise
        raise _not_carried(run, lease, method, error, site) from error.__cause__
    named = {name: to_tree(run, value) for name, value in method.named_args(*given).items()}
    n = _requested(run, lease, "module", method.qualified, method.recorded(named), site)
    thaw = run.surroundings.viewer.thaw
    hosted = hosted_call(run, n) if method.hosted else None
    try:
        if run.gates is not None:
            await in_effect(run)
        if method.write_ahead:
            run.record.commit()
            await run.record.durable()
        answer = await run.surroundings.outside.call(n, method, tuple(thaw(args)), thaw(kwargs))
        method.check(answer)
        tree = method.recorded_answer(_answer_tree(run, method, answer), named)
    except BaseException as error:
        _failed(run, lease, n, method.qualified, error, attempts_of(hosted), method.said_by(error))
        if run.gates is not None:
            await in_effect(run, error)
        raise
    run.record.add_for(lease, EffectReturned(n, tree, attempts_of(hosted)), method.qualified)
    if run.gates is not None:
        await in_effect(run)
    return thaw(tree)


def _not_carried(
    run: Run, lease: Lease, method: Method, error: UnsupportedValueError, site: str | None
) -> RPCSerializationError:
    """Write down that a call was not made, as what it was given cannot cross (RPC-2)."""
    refused = RPCSerializationError(
        f"An argument of {method.qualified} cannot be carried: {error.problem}", error.remedy
    )
    refused.method = method.qualified
    n = _requested(run, lease, "module", method.qualified, None, site)
    _failed(run, lease, n, method.qualified, refused)
    return refused


def refuse_ungranted(run: Run, lease: Lease, wish: Wish, site: str | None) -> None:
    """Refuse secrets that the running version does not name in its `secrets=` (SE-6).

    Raises:
        CapabilityDeniedError: it is in the record, and nobody was asked whether they exist.
    """
    denied = [name for name in wish.names if name not in (run.version.secrets or ())]
    for name in denied:
        run.record.add_for(lease, CapabilityDenied("secrets", "secret.read", name), name, site)
    if denied:
        raise CapabilityDeniedError(
            problem=f"{run.version.route} may not read {', '.join(denied)}.",
            remedy="Name it in secrets= of the handler.",
        )


async def secrets(run: Run, lease: Lease, wish: Wish, site: str | None) -> Any:
    """Read secrets; names and versions are written down, and nothing else of them (EF-4)."""
    n = _requested(run, lease, "secret", wish.key, wish.args, site)
    try:
        if run.gates is not None:
            await in_effect(run)
        found = await run.surroundings.outside.secrets(n, wish)
        check_complete(wish, found)
    except BaseException as error:
        _failed(run, lease, n, wish.key, error)
        if run.gates is not None:
            await in_effect(run, error)
        raise
    run.record.add_for(lease, EffectReturned(n, tree_of(wish, found)), wish.key)
    if run.gates is not None:
        await in_effect(run)
    return answer_of(wish, found)


def _answer_tree(run: Run, method: Method, answer: object) -> Tree:
    try:
        return encode(answer, run.surroundings.viewer.classes)
    except EventStoreError as error:
        msg = f"The answer of {method.qualified} cannot be recorded: {error.problem}"
        raise ModuleContractError(msg, error.remedy) from error


def _requested(run: Run, lease: Lease, kind: str, name: str, args: Json, site: str | None) -> int:
    n = next(run.effects)
    run.record.add_for(lease, EffectRequested(n, kind, args), name, site)
    return n


def _failed(
    run: Run,
    lease: Lease,
    n: int,
    name: str,
    error: BaseException,
    attempts: int = 1,
    said: str | None = None,
) -> None:
    # Who was given up or outlived the request has nowhere to write it.
    if lease.open:
        failure = failure_of(error, run.surroundings.sites)
        if said is not None:
            failure = msgspec.structs.replace(failure, message=said)
        run.record.add_for(lease, EffectFailed(n, failure, attempts), name)


def here_or_later(run: Run, work: Coroutine[Any, Any, Any]) -> Any:
    """Return *work* to be awaited; in a worker thread its result (HW-5)."""
    if threading.get_ident() == run.thread:
        return work
    return _wait_in_thread(run, work)


def _wait_in_thread(run: Run, work: Coroutine[Any, Any, Any]) -> Any:
    wait = ThreadWait(run.loop, work)
    run.waits.add(wait)
    # A loop whose time is virtual must know that this thread waits for it.
    if isinstance(run.loop, VirtualLoop):
        run.loop.thread_waits_for(wait.done)
    try:
        return wait.done.result()
    except concurrent.futures.CancelledError:
        raise asyncio.CancelledError from None
    finally:
        run.waits.discard(wait)
