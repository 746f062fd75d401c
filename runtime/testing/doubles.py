"""What stands in for modules and secrets in tests (TH-6)."""

import functools
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import msgspec

from runtime.errors import FakeModuleError
from runtime.modules.registry import Method
from runtime.secrets.provider import Found


class FakeCall(msgspec.Struct, frozen=True):
    """One call of a double."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    result: Any = None
    error: BaseException | None = None
    at_us: int = 0
    """When it began, in virtual time: µs since 1970; 0 outside of a harness."""


class FakeModule:
    """Stands in for a module, and keeps what it was asked.

    Args:
        **methods: for each method what it gives: what can be called, async or not, is called; an
            exception is raised; of a list each item is used once; anything else is the answer.
    """

    def __init__(self, **methods: Any) -> None:
        self._answers = dict(methods)
        self._calls: dict[str, dict[int, FakeCall]] = {name: {} for name in methods}
        self._numbers = {name: itertools.count() for name in methods}
        self._clock: Callable[[], int] = int
        for name, answer in methods.items():
            self.__dict__[name] = self._method(name, answer)

    def _method(self, name: str, answer: Any) -> Callable[..., Any]:
        if any(map(_is_async, answer if isinstance(answer, list) else [answer])):

            async def waits(*args: Any, **kwargs: Any) -> Any:
                with self._keeping(name, args, kwargs) as (number, given):
                    found = self._answer(name, number, args, kwargs)
                    given.append(await found if inspect.isawaitable(found) else found)
                return given[0]

            return waits

        def gives(*args: Any, **kwargs: Any) -> Any:
            with self._keeping(name, args, kwargs) as (number, given):
                given.append(self._answer(name, number, args, kwargs))
            return given[0]

        return gives

    @contextmanager
    def _keeping(
        self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Iterator[tuple[int, list[Any]]]:
        """Keep a call, and what it gave or raised; of those at once each has its own number."""
        number, at_us = next(self._numbers[name]), self._clock()
        given: list[Any] = []
        failed: BaseException | None = None
        try:
            yield number, given
        except BaseException as error:
            failed = error
            raise
        finally:
            result = given[0] if given else None
            self._calls[name][number] = FakeCall(args, kwargs, result, failed, at_us)

    def _answer(
        self, name: str, number: int, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        answer = self._answers[name]
        if isinstance(answer, list):
            if number >= len(answer):
                problem = f"{name} was called {number + 1} times and has {len(answer)} answers."
                raise FakeModuleError(problem, "Give an answer for each call.")
            answer = answer[number]
        if _is_error(answer):
            raise answer
        return answer(*args, **kwargs) if callable(answer) else answer


def _is_error(answer: object) -> bool:
    """Say whether an answer is raised: an exception, or a class of them."""
    is_class = isinstance(answer, type) and issubclass(answer, BaseException)
    return is_class or isinstance(answer, BaseException)


def _is_async(answer: object) -> bool:
    whole = inspect.iscoroutinefunction(answer)
    return whole or inspect.iscoroutinefunction(getattr(answer, "__call__", None))  # noqa: B004


def calls(module: FakeModule, method: str) -> Sequence[FakeCall]:
    """Give the calls of a method of a double that have ended, in the order in which they began.

    Raises:
        FakeModuleError: it has no such method.
    """
    known = module._calls  # noqa: SLF001 - its methods are the module's: none may be taken
    if method not in known:
        problem = f"The double has no method {method!r}."
        raise FakeModuleError(problem, f"There are: {', '.join(known) or 'none'}.")
    return tuple(each for _, each in sorted(known[method].items()))


def stand_in(
    module: FakeModule, name: str, real: Mapping[str, Method] | None, clock: Callable[[], int]
) -> tuple[object, tuple[str, ...]]:
    """Give what is called in place of a module, and its methods.

    They take and give what the module declares, and hide what it hides; one that the double
    has no answer for fails where it is called.

    Args:
        module: the double.
        name: of the module.
        real: methods of the module it stands for; None: there is none.
        clock: gives the time of calls.

    Raises:
        FakeModuleError: it has a method that the module does not have.
    """
    methods = tuple(module._answers)  # noqa: SLF001
    unknown = [] if real is None else [each for each in methods if each not in real]
    if unknown:
        problem = f"Module {name!r} has no {', '.join(unknown)}, and its double has."
        raise FakeModuleError(problem, f"There are: {', '.join(real or ())}.")
    module._clock = clock  # noqa: SLF001
    if real is None:
        return module, methods
    posing = {
        each: functools.wraps(method.call)(getattr(module, each, None) or _lacking(method))
        for each, method in real.items()
    }
    return SimpleNamespace(**posing), tuple(posing)


def _lacking(method: Method) -> Callable[..., Any]:
    async def refuse(*_args: Any, **_kwargs: Any) -> Any:
        problem = f"The double has no answer for {method.qualified}."
        raise FakeModuleError(problem, f"Give one: FakeModule({method.name}=…).")

    return refuse


class FakeSecrets:
    """Secrets of a test, each of the version `test`.

    Args:
        values: by name; None: there are none.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    async def get(self, name: str) -> Found | None:
        """Return the secret; None if there is none."""
        value = self._values.get(name)
        return None if value is None else Found(value, "test")
