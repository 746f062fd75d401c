"""Looks for an order of tasks in which a scenario fails (SI-2)."""

import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from runtime.effects.virtual_loop import run_virtual

Scenario = Callable[[], Coroutine[Any, Any, object]]
_CHOICES = 400
"""Turns in which a schedule chooses; later ones go in asyncio's order."""
_WIDEST = 8
_TRIES = 400
"""Runs that shortening may take."""


def explore(scenario: Scenario, n: int = 100, *, seed: int = 0) -> None:
    """Run a scenario in *n* orders of its tasks, on virtual time.

    Args:
        scenario: makes the work anew each time; nothing may be left of the run before.
        n: how many orders; the first is asyncio's own.
        seed: chooses the others.

    Raises:
        BaseException: what the first failing run raised, with a note: the shortest schedule
            found that fails alike, for `run_virtual(scenario(), schedule)`.
    """
    chance = random.Random(seed)  # noqa: S311 - repeatable by intent
    for number in range(n):
        schedule = [chance.randrange(_WIDEST) for _ in range(_CHOICES)] if number else []
        error = failure(scenario, schedule)
        if error is not None:
            short = shortened(scenario, schedule, type(error))
            told = failure(scenario, short) or error
            told.add_note(f"It fails so: run_virtual(scenario(), {short})")
            raise told


def failure(scenario: Scenario, schedule: Sequence[int]) -> BaseException | None:
    """Run a scenario in one order; give what it raised."""
    try:
        run_virtual(scenario(), schedule)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a test raises
        return error
    return None


def shortened(scenario: Scenario, schedule: Sequence[int], kind: type[BaseException]) -> list[int]:
    """Give a schedule that fails alike, with as few choices as are easily found."""
    found = _trimmed(schedule)
    left = _TRIES

    def fails(candidate: list[int]) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and isinstance(failure(scenario, candidate), kind)

    # First the end: halves, quarters and so on; then each choice that could be asyncio's.
    step = len(found) // 2
    while step and left > 0:
        candidate = _trimmed(found[:-step])
        if fails(candidate):
            found = candidate
        step = min(step // 2, len(found) // 2) if len(found) > 1 else 0
    for at in range(len(found) - 1, -1, -1):
        if at < len(found) and found[at] and fails(candidate := _trimmed(_with(found, at, 0))):
            found = candidate
    return found


def _with(schedule: Sequence[int], at: int, choice: int) -> list[int]:
    return [*schedule[:at], choice, *schedule[at + 1 :]]


def _trimmed(schedule: Sequence[int]) -> list[int]:
    """Leave out zeros at the end: there the order is asyncio's anyway."""
    found = list(schedule)
    while found and not found[-1]:
        found.pop()
    return found
