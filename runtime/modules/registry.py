"""Modules in process: which there are, and which methods each of them declares."""

import copy
import inspect
import sys
import typing
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, Protocol

import msgspec

from eventstore.values import Tree, revealed
from runtime.errors import (
    ConstraintError,
    DuplicateModuleError,
    ModuleContractError,
    RegistrationError,
    SignatureError,
)
from runtime.gtype.fields import mark_within
from runtime.gtype.sensitive import Mark

_UNCHECKED = object()
_NO_HINTS: Mapping[str, Any] = {}
_LONGEST_SAID = 1_000


class Host(Protocol):
    """Runs the methods of a `Module`."""

    async def call(self, method: "Method", args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what *method* answers, or raise what it raises."""
        ...


class Method:
    """A declared method of a module."""

    __slots__ = (
        "_home", "_returns", "answer_mark", "call", "find_error", "host", "hosted", "is_async",
        "marks", "name", "parameters", "qualified", "signature", "takes", "write_ahead",
    )  # fmt: skip

    def __init__(
        self,
        module: str,
        name: str,
        call: Callable[..., Any],
        owner: object,
        *,
        write_ahead: bool = False,
    ) -> None:
        self.name = name
        self.qualified = f"{module}.{name}"
        """As it stands in the log: `pricing.quote`."""
        self.call = call
        self.write_ahead = write_ahead
        """Whether the log must know of a call before it is made (EF-8)."""
        self.host: Host | None = None
        """Who runs it; None: it is just called."""
        self.hosted = False
        """Whether somebody does, while an app runs."""
        self.signature: inspect.Signature | None = None
        """Of a method of a `Module`; None: it is called as it is."""
        self.is_async = inspect.iscoroutinefunction(call)
        self.takes = _signature(self.qualified, call)
        """What arguments are bound by before anything is recorded."""
        self.parameters = _by_position(self.takes)
        """Names of the parameters that may be given by position."""
        self.find_error = _error_finder(owner)
        self._home = str(getattr(call, "__module__", "")).partition(".")[0]
        hints = _hints(call)
        marks = {name: mark_within(hint) for name, hint in hints.items()}
        self.marks = {name: mark for name, mark in marks.items() if mark is not None}
        """Of the parameters whose values are not recorded as they are."""
        self.answer_mark = self.marks.pop("return", None)
        """Of the answer, likewise."""
        _check_subjects(self.qualified, call, [*self.marks.values(), self.answer_mark])
        declared = hints.get("return", _UNCHECKED)
        self._returns = _UNCHECKED if declared is Any else declared

    def named_args(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments by name, alike for every way of giving them.

        Those too many stand under `*`; the call itself refuses them.
        """
        named = dict(zip(self.parameters, args, strict=False))
        if len(args) > len(self.parameters):
            named["*"] = list(args[len(self.parameters) :])
        named.update(kwargs)
        return named

    def recorded(self, named: Mapping[str, Tree]) -> dict[str, Tree]:
        """Return encoded arguments by name as they are recorded."""
        return {
            name: tree if (mark := self.marks.get(name)) is None else _hidden(mark, tree, named)
            for name, tree in named.items()
        }

    def recorded_answer(self, tree: Tree, named: Mapping[str, Tree]) -> Tree:
        """Return an encoded answer as it is recorded; *named* are the arguments."""
        return tree if self.answer_mark is None else _hidden(self.answer_mark, tree, named)

    def said_by(self, error: BaseException) -> str | None:
        """Return what *error* says, if it may be recorded as answers are (EF-3).

        It is of a class that the module's own code gives, and nothing in the method is Sensitive:
        what others say may hold anything, a card number too.
        """
        if self.marks or self.answer_mark is not None or not self._is_own(type(error)):
            return None
        text = _text_of(error)
        return text if 0 < len(text) <= _LONGEST_SAID else None

    def _is_own(self, error: type[BaseException]) -> bool:
        home = error.__module__.partition(".")[0]
        return home == self._home and self.find_error(error.__name__) is error

    def check(self, answer: object) -> None:
        """Refuse an answer that is not of the declared type.

        Raises:
            ModuleContractError: names the method and the fault, not the value.

        Source: EF-5.
        """
        if self._returns is _UNCHECKED:
            return
        try:
            msgspec.convert(answer, self._returns, strict=True)
        except msgspec.ValidationError as error:
            msg = f"{self.qualified} answered what it does not declare: {error}."
            raise ModuleContractError(
                msg,
                "Return a value of the annotated type.",
            ) from None
        except TypeError:
            # A type that msgspec cannot check, such as a class of the user's.
            self._returns = _UNCHECKED


class ModuleRegistry:
    """The modules of one runtime, by name."""

    def __init__(self) -> None:
        self._modules: dict[str, dict[str, Method]] = {}

    def register(
        self,
        name: str,
        module: object,
        methods: Iterable[str] | None = None,
        write_ahead: Iterable[str] = (),
    ) -> None:
        """Make *module* reachable as `gctx.modules.<name>`.

        Args:
            name: an identifier that does not begin with an underscore.
            module: any object, or a Python module.
            methods: what may be called; None: all its public functions.
            write_ahead: those of them which the log must know of before they are called.

        Raises:
            DuplicateModuleError: the name is taken; the first one stays.
            RegistrationError: a bad name, or a method that is not there.
            SignatureError: a method that is a generator or cannot be read.
            ConstraintError: a value is sealed for what is no parameter.
        """
        self.refuse_taken(name)
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
            msg = f"{str(name)[:80]!r} is no name for a module."
            raise RegistrationError(
                msg,
                "Use an identifier that does not begin with an underscore.",
            )
        declared = _public(module) if methods is None else list(methods)
        ahead = frozenset(write_ahead)
        found: dict[str, Method] = {}
        for method in declared:
            call = getattr(module, method, None)
            if not callable(call) or method.startswith("_"):
                raise _no_method(name, method)
            found[method] = Method(name, method, call, module, write_ahead=method in ahead)
        for missing in sorted(ahead.difference(found)):
            raise _no_method(name, missing)
        self._modules[name] = found

    def adopt(self, name: str, methods: Mapping[str, Method]) -> None:
        """Make methods that somebody else declared and hosts reachable.

        Raises:
            DuplicateModuleError: the name is taken; the first one stays.
        """
        self.refuse_taken(name)
        self._modules[name] = dict(methods)

    def hosted(self, name: str) -> list[Method]:
        """Return the methods of module *name* that somebody hosts."""
        return [method for method in self._modules.get(name, {}).values() if method.hosted]

    def refuse_taken(self, name: str) -> None:
        """Raise `DuplicateModuleError` if there is a module *name*."""
        if name in self._modules:
            msg = f"A module {name!r} is registered."
            raise DuplicateModuleError(msg, "Choose another name.")

    def changed(
        self,
        given: Mapping[str, tuple[object, Iterable[str] | None]],
        wrap: Callable[[str, Callable[..., Any]], Callable[..., Any]],
    ) -> "ModuleRegistry":
        """Return another registry, for a test.

        Args:
            given: modules in place of those of their names, with their methods.
            wrap: is given each method's name and call, and gives what is called instead.

        Raises:
            RegistrationError: a bad name, or a method that is not there.
        """
        made = ModuleRegistry()
        for name, (module, methods) in given.items():
            made.register(name, module, methods)
        kept = {name: known for name, known in self._modules.items() if name not in given}
        for name, known in {**kept, **made._modules}.items():
            made._modules[name] = copies = {each: copy.copy(m) for each, m in known.items()}
            for method in copies.values():
                method.call = wrap(method.qualified, method.call)
        return made

    def find(self, qualified: str) -> Method | None:
        """Return the method of a name such as `pricing.quote`; None if there is none."""
        module, _, name = qualified.partition(".")
        return self._modules.get(module, {}).get(name)

    def names(self) -> tuple[str, ...]:
        """All names, in order of registration."""
        return tuple(self._modules)

    def methods(self, name: str) -> Mapping[str, Method]:
        """The declared methods of the module *name*.

        Raises:
            KeyError: there is no such module.
        """
        return self._modules[name]


def _no_method(module: str, method: str) -> RegistrationError:
    return RegistrationError(
        f"Module {module!r} has no public method {method!r}.", "Declare what is there."
    )


def _public(module: object) -> list[str]:
    if isinstance(module, ModuleType):
        return [
            name
            for name, value in vars(module).items()
            if not name.startswith("_")
            and inspect.isfunction(value)
            and value.__module__ == module.__name__
        ]
    names = dict.fromkeys(name for cls in reversed(type(module).__mro__) for name in vars(cls))
    names.update(dict.fromkeys(getattr(module, "__dict__", {})))
    return [name for name in names if not name.startswith("_") and _is_method(module, name)]


def _is_method(module: object, name: str) -> bool:
    # Without running properties.
    value = inspect.getattr_static(module, name)
    if isinstance(value, staticmethod | classmethod):
        return True
    return callable(value) and not inspect.isclass(value)


def _signature(name: str, call: Callable[..., Any]) -> inspect.Signature:
    if inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call):
        msg = f"{name} is a generator."
        raise SignatureError(msg, "Return the whole answer instead.")
    try:
        return inspect.signature(call)
    except (TypeError, ValueError) as error:
        msg = f"The parameters of {name} cannot be read."
        raise SignatureError(msg, "Wrap it in a function.") from error


def _by_position(takes: inspect.Signature) -> tuple[str, ...]:
    by_position = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )
    return tuple(each.name for each in takes.parameters.values() if each.kind in by_position)


def _hints(call: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(call, include_extras=True)
    except Exception:  # noqa: BLE001 - they are the user's, evaluated; unreadable ones declare nothing
        return _NO_HINTS


def _check_subjects(name: str, call: Callable[..., Any], marks: Iterable[Mark | None]) -> None:
    parameters = inspect.signature(call).parameters
    for mark in marks:
        if mark is not None and mark.subject is not None and mark.subject not in parameters:
            msg = f"{name} seals a value for {mark.subject!r}, which is no parameter of it."
            raise ConstraintError(msg, f"There are: {', '.join(parameters) or 'none'}.")


def _hidden(mark: Mark, tree: Tree, named: Mapping[str, Tree]) -> Tree:
    return mark.hidden(revealed(tree), named.get(mark.subject or ""))


def _text_of(error: BaseException) -> str:
    said = error.args[0] if len(error.args) == 1 else None
    try:
        return said if isinstance(said, str) else str(error)
    except Exception:  # noqa: BLE001 - the user's `__str__`; the error itself must not be lost
        return ""


def _error_finder(owner: object) -> Callable[[str], type[BaseException] | None]:
    home = owner if isinstance(owner, ModuleType) else sys.modules.get(type(owner).__module__)

    def find(name: str) -> type[BaseException] | None:
        """Return the error class that the module's own file knows by *name*."""
        known = getattr(home, name, None)
        return known if isinstance(known, type) and issubclass(known, BaseException) else None

    return find
