"""What handlers see of modules: exactly the declared methods (GC-2)."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from eventstore.errors import FrozenValueError
from eventstore.values import Tree
from runtime.errors import ContextError, UnknownMethodError, UnknownModuleError
from runtime.modules.calls import CALLER
from runtime.modules.registry import Method, ModuleRegistry

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def fitting(takes: inspect.Signature) -> range:
    """Return how many arguments surely fit if all are given by position.

    To bind them costs as much as what is written of a call: it is done where this says too little.
    """
    given = [each for each in takes.parameters.values() if each.kind in _BY_POSITION]
    named = [each for each in takes.parameters.values() if each.kind is each.KEYWORD_ONLY]
    if any(each.default is each.empty for each in named):
        return range(0)
    return range(sum(each.default is each.empty for each in given), len(given) + 1)


class StubMethod:
    """A method of a module, called as an effect of the request that runs.

    In an async handler or hook the call gives an awaitable, in a sync one the result.
    """

    __slots__ = ("__name__", "__qualname__", "_fitting", "_method")

    def __init__(self, method: Method) -> None:
        self._method = method
        self._fitting = fitting(method.takes)
        self.__name__ = method.name
        self.__qualname__ = method.qualified

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        caller = CALLER.get()
        if caller is None:
            msg = f"{self.__qualname__} was called outside of a request."
            raise ContextError(
                msg,
                "Call it in a handler or hook, or call the module itself.",
            )
        if kwargs or len(args) not in self._fitting:
            self._bind(args, kwargs)
        return caller.call_module(self._method, args, kwargs)

    def _bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Refuse arguments that do not fit, before anything is recorded or sent (MM-3)."""
        try:
            self._method.takes.bind(*args, **kwargs)
        except TypeError as error:
            msg = f"{self.__qualname__}: {error}"
            raise TypeError(msg) from None

    def recorded(
        self, args: list[Tree], kwargs: Mapping[str, Tree]
    ) -> tuple[list[Tree], dict[str, Tree]]:
        """Return encoded arguments as they are recorded of a call that is to come."""
        method = self._method
        shown = method.recorded(method.named_args(tuple(args), kwargs))
        by_position = [
            shown.get(name, arg) for name, arg in zip(method.parameters, args, strict=False)
        ]
        return by_position + args[len(by_position) :], {name: shown[name] for name in kwargs}

    def __repr__(self) -> str:
        return f"<module method {self.__qualname__}>"


class Stub:
    """One module: an attribute for each declared method, and no other."""

    __slots__ = ("_methods", "_name")
    _methods: dict[str, StubMethod]
    _name: str

    def __init__(self, name: str, methods: dict[str, StubMethod]) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_methods", methods)

    def __getattr__(self, name: str) -> StubMethod:
        try:
            return self._methods[name]
        except KeyError:
            known = ", ".join(self._methods) or "none"
            msg = f"Module {self._name!r} has no method {name!r}."
            raise UnknownMethodError(msg, f"There are: {known}.") from None

    def __setattr__(self, name: str, value: object) -> NoReturn:
        msg = f"module {self._name!r}"
        raise _frozen(msg)

    def __delattr__(self, name: str) -> NoReturn:
        msg = f"module {self._name!r}"
        raise _frozen(msg)

    def __dir__(self) -> list[str]:
        return list(self._methods)

    def __repr__(self) -> str:
        return f"<module {self._name}: {', '.join(self._methods)}>"


class Modules:
    """`gctx.modules`: an attribute for each registered module."""

    __slots__ = ("_registry", "_stubs")
    _registry: ModuleRegistry
    _stubs: dict[str, Stub]

    def __init__(self, registry: ModuleRegistry) -> None:
        object.__setattr__(self, "_registry", registry)
        object.__setattr__(self, "_stubs", {})

    def __getattr__(self, name: str) -> Stub:
        stub: Stub | None = self._stubs.get(name)
        return stub if stub is not None else self._open(name)

    def _open(self, name: str) -> Stub:
        try:
            methods = self._registry.methods(name)
        except KeyError:
            known = ", ".join(self._registry.names()) or "none"
            msg = f"There is no module {name!r}."
            raise UnknownModuleError(msg, f"There are: {known}.") from None
        stub = Stub(name, {each: StubMethod(method) for each, method in methods.items()})
        self._stubs[name] = stub
        return stub

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry.names())

    def __contains__(self, name: object) -> bool:
        return name in self._registry.names()

    def __len__(self) -> int:
        return len(self._registry.names())

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise _frozen("gctx.modules")

    def __delattr__(self, name: str) -> NoReturn:
        raise _frozen("gctx.modules")

    def __dir__(self) -> list[str]:
        return list(self._registry.names())


def _frozen(what: str) -> FrozenValueError:
    return FrozenValueError(what[:1].upper() + what[1:], "Register modules with `app.module`.")
