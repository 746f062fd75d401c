"""The handler's own turn: after the before hooks, before the after hooks."""

from runtime.effects.failures import failure_of
from runtime.facts import HandlerEnded, HandlerFailed, HandlerStarted
from runtime.lifecycle import stepping
from runtime.lifecycle.calling import PASSES_THROUGH
from runtime.lifecycle.points import after_failure, at_point
from runtime.lifecycle.run import Run
from runtime.lifecycle.sections import drive

_STARTED = HandlerStarted()
_ENDED = HandlerEnded()


async def handle(run: Run) -> object:
    """Run the handler; return what it returned.

    Raises:
        BaseException: what it raised, written down.
    """
    record, version, sites = run.record, run.version, run.surroundings.sites
    previous = stepping.step(run, "processing")
    record.add(_STARTED, version.handler, sites.of_code(version.call.code))
    try:
        if "phase" in run.callbacks:
            await stepping.tell(run, "processing", previous)
        if run.gates is not None:
            await at_point(run)
        returned: object = await drive(run, run.work(version.call), None, True)  # noqa: FBT003
    except PASSES_THROUGH:
        raise
    except BaseException as error:
        failure = failure_of(error, sites)
        place = failure.frames[-1] if failure.frames else None
        record.add(HandlerFailed(failure), version.handler, place)
        if run.gates is not None:
            await after_failure(run, error)
        raise
    record.add(_ENDED, version.handler)
    if run.gates is not None:
        await at_point(run)
    return returned
