"""What stands in for modules and secrets in tests (TH-6)."""

import inspect
from collections.abc import Callable, Mapping, Sequence
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
    """Virtual time, µs since 1970; 0 outside of a harness."""


class FakeModule:
    """Stands in for a module, and keeps what it was asked.

    Args:
        **methods: for each method what it gives: a function, async or not, is called; an
            exception is raised; of a list each item is used once; anything else is the answer.
    """

    def __init__(self, **methods: Any) -> None:
        self._answers = dict(methods)
        self._calls: dict[str, list[FakeCall]] = {name: [] for name in methods}
        self._real: Mapping[str, Method] = {}
        self._clock: Callable[[], int] = int
        for name, answer in methods.items():
            self.__dict__[name] = self._method(name, answer)

    def _method(self, name: str, answer: Any) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(answer):

            async def waits(*args: Any, **kwargs: Any) -> Any:
                return await self._keep_async(name, answer, args, kwargs)

            return waits

        def gives(*args: Any, **kwargs: Any) -> Any:
            return self._keep(name, args, kwargs)

        return gives

    def _keep(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        self._check_signature(name, args, kwargs)
        try:
            result = self._answer(name, args, kwargs)
        except BaseException as error:
            self._calls[name].append(FakeCall(args, kwargs, None, error, self._clock()))
            raise
        self._calls[name].append(FakeCall(args, kwargs, result, None, self._clock()))
        return result

    async def _keep_async(
        self, name: str, answer: Callable[..., Any], args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        self._check_signature(name, args, kwargs)
        try:
            result = await answer(*args, **kwargs)
        except BaseException as error:
            self._calls[name].append(FakeCall(args, kwargs, None, error, self._clock()))
            raise
        self._calls[name].append(FakeCall(args, kwargs, result, None, self._clock()))
        return result

    def _answer(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        answer = self._answers[name]
        if isinstance(answer, list):
            n = len(self._calls[name])
            if n >= len(answer):
                problem = f"{name} was called {n + 1} times and has {len(answer)} answers."
                raise FakeModuleError(problem, "Give an answer for each call.")
            answer = answer[n]
        if isinstance(answer, BaseException):
            raise answer
        return answer(*args, **kwargs) if inspect.isfunction(answer) else answer

    def _check_signature(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        known = self._real.get(name)
        if known is None:
            return
        try:
            inspect.signature(known.call).bind(*args, **kwargs)
        except TypeError as error:
            problem = f"{known.qualified} was called as the module cannot be: {error}."
            raise FakeModuleError(problem, "Call it as its module declares it.") from error


def calls(module: FakeModule, method: str) -> Sequence[FakeCall]:
    """Give the calls of a method of a double, in order.

    Raises:
        FakeModuleError: it has no such method.
    """
    known = module._calls  # noqa: SLF001 - its methods are the module's: none may be taken
    if method not in known:
        problem = f"The double has no method {method!r}."
        raise FakeModuleError(problem, f"There are: {', '.join(known) or 'none'}.")
    return tuple(known[method])


def stand_in(
    module: FakeModule, name: str, real: Mapping[str, Method] | None, clock: Callable[[], int]
) -> tuple[str, ...]:
    """Give the methods of a double, once it is known what it stands for.

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
    module._real, module._clock = real or {}, clock  # noqa: SLF001
    return methods


class FakeSecrets:
    """Secrets of a test.

    Args:
        values: by name.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    async def get(self, name: str) -> Found | None:
        """Return the secret; None if there is none."""
        value = self._values.get(name)
        return None if value is None else Found(value, "test")
