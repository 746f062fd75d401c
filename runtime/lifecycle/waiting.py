"""Go on with a coroutine that was begun by hand and waits for something."""

import types
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


@types.coroutine
def go_on(work: Coroutine[Any, Any, T], waits_for: Any) -> Generator[Any, Any, T]:
    """Return what *work* returns; *waits_for* is what it gave when it was stepped last.

    To be awaited by whoever took that step, before anything else is awaited there: asyncio wants
    a future that was given to be waited for next.
    """
    while True:
        step, value = work.send, None
        try:
            yield waits_for
        except GeneratorExit:
            work.close()
            raise
        except BaseException as thrown:  # noqa: BLE001 - passed on
            step, value = work.throw, thrown
        try:
            waits_for = step(value)
        except StopIteration as end:
            result: T = end.value
            return result
