"""When a request fails, and when any request ends: the rest of its life (HO-2, CN-2…6)."""

import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from runtime.effects.failures import failure_of
from runtime.errors import RequestStoppedError
from runtime.facts import (
    CleanupFailed,
    CleanupRan,
    CompensationFailed,
    CompensationRan,
    ListenerFailed,
)
from runtime.facts import ValidationFailed as RequestInvalid
from runtime.lifecycle import answers
from runtime.lifecycle.calling import attempt
from runtime.lifecycle.hooks import run_catch
from runtime.lifecycle.noticing import notice
from runtime.lifecycle.problems import code_of, problem_of, rebased
from runtime.lifecycle.retrying import pause, wait_s
from runtime.lifecycle.run import Run, Undo
from runtime.lifecycle.stepping import enter
from runtime.messages import Answer, HttpError, ValidationFailed
from runtime.undo_facts import CompensationRetried

EACH_S = 5.0
CLEANUPS_S = 30.0
_log = logging.getLogger("timescape")


async def fail(run: Run, error: BaseException) -> tuple[Answer, str]:
    """Take the failure path; return the answer for *error*, and its problem code."""
    notice(run.record.stream, error)
    _say(run, error)
    if isinstance(error, HttpError):
        run.surroundings.undeclared.note(run.version.spoken, error, run.request_id)
    run.stage = "failure"
    run.record.failing = True
    await enter(run, "failing")
    if run.timed_out:
        await _tell(run, "timeout")
    run.scope["error"] = error
    await _tell(run, "error")
    written = await run_catch(run, error)
    await compensate(run)
    try:
        most = run.version.spoken.max_answer
        return answers.replaced(_problem(run, error), written, most), code_of(error)[1]
    except ValidationFailed as refused:
        run.record.add(RequestInvalid(refused.issues), "response")
        return _problem(run, refused), code_of(refused)[1]


def _problem(run: Run, error: BaseException) -> Answer:
    return rebased(problem_of(error, run.request_id), run.surroundings.gctx.problem_base)


def _say(run: Run, error: BaseException) -> None:
    """Tell who looks at the server's lines of a fault of the app's, and where it came from."""
    if isinstance(error, HttpError | RequestStoppedError) or code_of(error)[0] < 500:
        return
    frames = failure_of(error, run.surroundings.sites).frames
    _log.error(
        "request failed: request=%s handler=%s error=%s at=%s",
        run.request_id, run.version.handler, type(error).__name__, frames[-1] if frames else "-",
    )  # fmt: skip


async def _tell(run: Run, kind: str) -> None:
    for callback in list(run.callbacks.get(kind, ())):
        error = await attempt(run, callback.call, EACH_S)
        if error is not None:
            fact = ListenerFailed(kind, failure_of(error, run.surroundings.sites))
            run.record.add(fact, callback.id)


async def compensate(run: Run) -> None:
    """Undo what was registered, last in, first out; one that fails does not stop the next."""
    for compensation in reversed(list(run.record.state.compensations)):
        await undo(run, compensation)


async def undo(run: Run, compensation: str) -> None:
    """Run one compensation, and write down how it went."""
    registered = run.undos.get(compensation)
    if registered is None:
        # It was a function of a process that has gone.
        name = run.record.state.compensations[compensation].name
        _alert(run, name)
        run.record.add(CompensationFailed(reason="not-recoverable"), compensation)
        return
    error = await _attempts(run, registered)
    if error is None:
        run.record.add(CompensationRan(), compensation)
        return
    _alert(run, registered.name)
    fact = CompensationFailed(failure_of(error, run.surroundings.sites))
    run.record.add(fact, compensation)


async def _attempts(run: Run, undo: Undo) -> BaseException | None:
    """Run a compensation until it ends well or has no attempt left; return what the last raised."""
    of = undo.retries + 1
    for n in range(1, of):
        error = await attempt(run, _undoing(run, undo), EACH_S)
        if error is None:
            return None
        pause_s = wait_s(run, undo.id, undo.backoff, n)
        failure = failure_of(error, run.surroundings.sites)
        run.record.add(CompensationRetried(failure, n, of, pause_s), undo.id)
        with contextlib.suppress(RequestStoppedError):
            # Who hurries the request gets the next attempt at once.
            await pause(run, pause_s, capped=False)
    return await attempt(run, _undoing(run, undo), EACH_S)


def _alert(run: Run, name: str) -> None:
    _log.error("compensation failed: request=%s name=%s", run.request_id, name)


def _undoing(run: Run, registered: Undo) -> Callable[[], Any]:
    thaw = run.surroundings.viewer.thaw
    return partial(registered.call, *thaw(registered.args), **thaw(registered.kwargs))


async def clean_up(run: Run) -> None:
    """Run the cleanups in order of registration, those added meanwhile at the end (CN-6)."""
    run.stage = "cleanup"
    callbacks = run.callbacks.get("cleanup")
    if callbacks is None:
        return
    end_at = run.loop.time() + CLEANUPS_S
    done = 0
    while done < len(callbacks):
        callback = callbacks[done]
        done += 1
        limit_s = max(0.0, min(EACH_S, end_at - run.loop.time()))
        error = await attempt(run, callback.call, limit_s)
        if error is None:
            run.record.add(CleanupRan(), callback.id)
        else:
            run.record.add(CleanupFailed(failure_of(error, run.surroundings.sites)), callback.id)
