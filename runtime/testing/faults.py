"""Things that go wrong in a test, because it says so (TH-10)."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from eventstore import Store
from runtime.errors import UnusedFaultError
from runtime.testing.failing_store import FailingStore


class _Fault:
    def __init__(self, name: str, times: int, error: BaseException | None, seconds: float) -> None:
        self.name = name
        self.left = times
        self.error = error
        self.seconds = seconds

    @property
    def told(self) -> str:
        return f"{self.name} ({'delay' if self.error is None else 'fail'}, {self.left} left)"


class Faults:
    """What goes wrong: with calls of modules, with clients and with the log.

    Args:
        block: lets time pass while nothing else runs.
        store: of the app.
    """

    def __init__(self, block: Callable[[float], None], store: Store) -> None:
        self._block = block
        self._store = store
        self._leaves_after: int | None = None
        self._planned: list[_Fault] = []

    def plan(self, method: str, times: int, error: BaseException | None, seconds: float) -> None:
        """Let the next calls of *method* go wrong: raise, or without an *error* take longer."""
        self._planned.append(_Fault(method, times, error, seconds))

    def leave(self, sent: int) -> None:
        """Let the next client be gone after *sent* bytes."""
        self._leaves_after = sent

    def leaves_after(self) -> int | None:
        """Say after how many bytes the client that sends now is gone; None: it stays."""
        found, self._leaves_after = self._leaves_after, None
        return found

    @property
    def log(self) -> FailingStore:
        """The log, where it can go wrong.

        Raises:
            TypeError: the harness was given a log of its own.
        """
        if not isinstance(self._store, FailingStore):
            msg = "Faults of the log need the harness's own: leave store= out."
            raise TypeError(msg)
        return self._store

    @property
    def has_crashed(self) -> bool:
        """Whether the process is dead now."""
        return isinstance(self._store, FailingStore) and self._store.is_dead

    def revive(self) -> None:
        """Let the log be written again, by another process."""
        self.log.is_dead = False

    def refuse_unused(self) -> None:
        """Refuse faults that nothing met.

        Raises:
            UnusedFaultError: lists them.
        """
        left = [each.told for each in self._planned if each.left]
        if self._leaves_after is not None:
            left.append(f"disconnect_after {self._leaves_after}")
        if isinstance(self._store, FailingStore):
            left += self._store.unmet
        if left:
            msg = f"Nothing met these faults: {', '.join(left)}."
            raise UnusedFaultError(msg, "Remove them, or call what fails.")

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Give what is called in place of a method; it is as async as the method is."""
        if inspect.iscoroutinefunction(call):

            async def waits(*args: Any, **kwargs: Any) -> Any:
                await self._meet_async(name)
                return await call(*args, **kwargs)

            return waits

        def gives(*args: Any, **kwargs: Any) -> Any:
            self._meet(name)
            return call(*args, **kwargs)

        return gives

    def _next(self, name: str) -> _Fault | None:
        found = next((each for each in self._planned if each.name == name and each.left), None)
        if found is not None:
            found.left -= 1
        return found

    def _meet(self, name: str) -> None:
        fault = self._next(name)
        if fault is None:
            return
        if fault.error is not None:
            raise fault.error
        self._block(fault.seconds)

    async def _meet_async(self, name: str) -> None:
        fault = self._next(name)
        if fault is None:
            return
        if fault.error is not None:
            raise fault.error
        await asyncio.sleep(fault.seconds)


class Faulty:
    """What a test says goes wrong (TH-10). What nothing met by its end is an error.

    Args:
        faults: keeps it.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def fail(self, method: str, error: BaseException, *, times: int = 1) -> None:
        """Let the next calls of *method*, such as `pricing.quote`, raise *error*."""
        self._faults.plan(method, times, error, 0.0)

    def delay(self, method: str, seconds: float, *, times: int = 1) -> None:
        """Let the next calls of *method* take so much longer, in virtual time.

        A method that is not async lets nothing else run meanwhile.
        """
        self._faults.plan(method, times, None, seconds)

    def disconnect_after(self, sent: int) -> None:
        """Let the next client be gone after *sent* bytes of its body, and hear no answer."""
        self._faults.leave(sent)

    def store_full(self, *, times: int = 1) -> None:
        """Let the next commits find the log full.

        Raises:
            TypeError: the harness was given a log of its own.
        """
        self._faults.log.full_left += times

    def crash_at(self, at: int | str) -> None:
        """Let the process die instead of a commit; after it, call `reopen`.

        Args:
            at: which commit from now on, 1 the next; or the name of a fact: the first commit
                that has one.

        Raises:
            TypeError: see `store_full`.
        """
        self._faults.log.crash_at = at
