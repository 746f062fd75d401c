"""Run hooks in their order, each with its attempts (HO-3, HO-6, HO-8)."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from runtime.effects.failures import failure_of
from runtime.errors import (
    CatchStatusError,
    GateFailedError,
    RequestStoppedError,
    RequestTimedOutError,
)
from runtime.facts import HookEnded, HookFailed, HookStarted
from runtime.lifecycle.calling import PASSES_THROUGH
from runtime.lifecycle.handlers import Hook
from runtime.lifecycle.points import after_failure, at_point
from runtime.lifecycle.retrying import pause, wait_s
from runtime.lifecycle.run import Run
from runtime.lifecycle.sections import drive
from runtime.messages import Response

ENDINGS = (RequestTimedOutError, RequestStoppedError, GateFailedError)
"""Errors after which nothing of the request runs on but its failure path."""


@lru_cache(64)
def _started(kind: str, level: str, attempt: int) -> HookStarted:
    return HookStarted(kind, level, attempt)


@lru_cache(8)
def _ended(kind: str) -> HookEnded:
    return HookEnded(kind)


async def run_hook(run: Run, hook: Hook, *, capped: bool = True) -> None:
    """Run one hook, again while it fails and may be retried.

    Args:
        run: the request.
        hook: which.
        capped: whether the request's deadline limits it, too.

    Raises:
        BaseException: what its last attempt raised.
    """
    record = run.record
    of = hook.retries + 1
    for attempt in range(1, of + 1):
        site = run.surroundings.sites.of_code(hook.call.code)
        record.add(_started(hook.kind, hook.level, attempt), hook.id, site)
        try:
            if run.gates is not None:
                await at_point(run)
            await drive(run, run.work(hook.call), hook.timeout_s, capped)
            if hook.kind == "catch":
                _check_catch(run, hook)
        except PASSES_THROUGH:
            raise
        except BaseException as error:
            again = attempt < of and not isinstance(error, ENDINGS)
            pause_s = _note(run, hook, error, attempt, again=again)
            if run.gates is not None:
                await after_failure(run, error)
            if not again:
                raise
            await _before_next(run, hook, pause_s, capped=capped)
        else:
            record.add(_ended(hook.kind), hook.id)
            if run.gates is not None:
                await at_point(run)
            return


def _note(run: Run, hook: Hook, error: BaseException, attempt: int, *, again: bool) -> float:
    """Write down that an attempt failed; return what is waited before the next."""
    pause_s = wait_s(run, hook.id, hook.backoff, attempt) if again else 0.0
    failure = failure_of(error, run.surroundings.sites)
    place = failure.frames[-1] if failure.frames else None
    fact = HookFailed(hook.kind, failure, attempt, hook.retries + 1, again, pause_s)
    run.record.add(fact, hook.id, place)
    return pause_s


async def _before_next(run: Run, hook: Hook, pause_s: float, *, capped: bool) -> None:
    await pause(run, pause_s, capped=capped)
    if hook.kind == "catch":
        # What the attempt wrote that failed is not the next one's.
        run.scope["res"] = Response()


def _check_catch(run: Run, hook: Hook) -> None:
    status = run.response.status
    if status is not None and status < 400:
        msg = f"The catch hook {hook.id} set status {status}."
        raise CatchStatusError(
            msg,
            "A failure stays one; set a status from 400 to 599.",
        )


async def run_before(run: Run) -> None:
    """Run all before hooks: global, route, local."""
    for hook in run.surroundings.before:
        await run_hook(run, hook)
    for hook in run.version.before:
        await run_hook(run, hook)
    run.frozen.add("before")
    for hook in run.local.get("before", ()):
        await run_hook(run, hook)


async def run_after(run: Run) -> None:
    """Run all after hooks: local, route, global, each level from the last to the first.

    Raises:
        BaseException: the first error, once all have run; the others are notes on it.
    """
    first: BaseException | None = None
    for hook in _reversed(run, "after", run.version.after, run.surroundings.after):
        try:
            await run_hook(run, hook)
        except PASSES_THROUGH:
            raise
        except ENDINGS:
            raise
        except BaseException as error:  # noqa: BLE001 - the others run all the same
            if first is None:
                first = error
            else:
                first.add_note(f"after hook {hook.id} failed, too: {type(error).__name__}")
    if first is not None:
        raise first


async def run_catch(run: Run, error: BaseException) -> list[Response]:
    """Run all catch hooks, in the order of after hooks; return what they wrote.

    One that fails changes nothing, and the next runs.
    """
    run.scope["error"] = error
    written: list[Response] = []
    for hook in _reversed(run, "catch", run.version.catch, run.surroundings.catch):
        run.scope["res"] = Response()
        try:
            await run_hook(run, hook, capped=False)
        except PASSES_THROUGH:
            raise
        except BaseException:  # noqa: BLE001, S112 - recorded as hook.failed
            continue
        response = run.response
        if response.written or response.headers or response.status is not None:
            written.append(response)
    return written


def _reversed(
    run: Run, kind: str, route: tuple[Hook, ...], everywhere: tuple[Hook, ...]
) -> Iterable[Hook]:
    run.frozen.add(kind)
    local: list[Any] = run.local.get(kind, [])
    if not (local or route or everywhere):
        return ()
    return (*reversed(local), *reversed(route), *reversed(everywhere))
