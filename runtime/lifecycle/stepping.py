"""Move a request from phase to phase, and tell who listens (LC-10)."""

from functools import partial

from runtime.context import check_step
from runtime.effects.failures import failure_of
from runtime.facts import ListenerFailed, PhaseChanged
from runtime.lifecycle.calling import attempt
from runtime.lifecycle.run import Run

_LISTENER_S = 5.0
_CHANGED = PhaseChanged()


async def enter(run: Run, phase: str) -> None:
    """Enter *phase*, which has a fact of its own."""
    previous = step(run, phase)
    run.record.add(_CHANGED, phase)
    if "phase" in run.callbacks:
        await tell(run, phase, previous)


def step(run: Run, phase: str) -> str:
    """Note that *phase* follows, and return the one before.

    Raises:
        IllegalPhaseError: it may not.
    """
    previous = run.phase
    check_step(previous, phase)
    run.phase = phase
    return previous


async def tell(run: Run, phase: str, previous: str) -> None:
    """Call the phase listeners; one that raises is recorded and changes nothing."""
    for callback in list(run.callbacks.get("phase", ())):
        error = await attempt(run, partial(callback.call, phase, previous), _LISTENER_S)
        if error is not None:
            fact = ListenerFailed("phase", failure_of(error, run.surroundings.sites))
            run.record.add(fact, callback.id)
