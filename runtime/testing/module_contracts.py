"""A module is held to its manifest (CT-4). It needs Hypothesis."""

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Collection, Container, Coroutine, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import msgspec
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from runtime.errors import CapabilityDeniedError, ModuleManifestError
from runtime.gtype import GType, PlainChecker, check
from runtime.manifests.module import MethodEntry, ModuleManifest, shown
from runtime.manifests.module import check as check_manifest
from runtime.modules import Method, Module, ModuleRegistry
from runtime.modules.calls import CALL, About, HostedCall
from runtime.secrets import Provider
from runtime.testing.doubles import FakeSecrets
from runtime.testing.module_hosts import HostedAlone
from runtime.testing.strategies import Overrides, values

_encode = msgspec.json.Encoder(order="sorted").encode
_VARIADIC = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
Arguments: TypeAlias = Mapping[str, Any]
"""Plain JSON values by the names of parameters."""


def check_module(  # noqa: PLR0913 - each is one thing a test may say of it
    module: Module | object,
    manifest: ModuleManifest | None = None,
    *,
    config: Any = None,
    secrets: Mapping[str, str] | Provider | None = None,
    errors: Iterable[type[Exception]] = (),
    overrides: Overrides | None = None,
    examples: int = 100,
    kinds: Collection[str] = (),
) -> None:
    """Hold a module to what its manifest says.

    It has every method, with the parameters and types that the manifest names. Called with
    what conforms, a method answers what conforms, or raises an error that the module's own file
    names. What is idempotent gives an equal answer to the same call made twice. Nothing is used
    that is not declared.

    A `Module` is started as an app would start it, in its own process if it has one, and
    called for real. Of any other object, such as a double, the methods are called as they are.

    Args:
        module: a `Module`, or what stands in for one.
        manifest: what it is held to; None: what a `Module` says of itself.
        config: the part of the config that is its own.
        secrets: that there are; None: none.
        errors: further classes that its methods may raise.
        overrides: values for checks in code, by the code of their issues.
        examples: drawn of each method.
        kinds: of capabilities that its app adds (`app.capability`).

    Raises:
        AssertionError: it does not keep one of these; says which method, and called with what.
        ModuleManifestError: it has none, or cannot be.
        UnsupportedTypeError: a check in code has no override.
    """
    if isinstance(module, Module):
        manifest = manifest or module.manifest
    elif manifest is None:
        problem = f"{type(module).__name__} is no Module, so it says nothing of itself."
        raise ModuleManifestError(problem, "Give the manifest it is to keep.")
    faults = _static_faults(module, manifest, kinds)
    _refuse(f"{manifest.name} is not what its manifest says", faults)
    methods = _methods(module, manifest)
    provider = FakeSecrets(secrets) if secrets is None or isinstance(secrets, Mapping) else secrets
    with asyncio.Runner() as runner:
        alone = HostedAlone(module, config, provider, kinds) if isinstance(module, Module) else None
        try:
            if alone is not None:
                runner.run(alone.start())
            for name, entry in manifest.methods.items():
                held = _Held(methods[name], entry, tuple(errors), alone, runner)
                held.check(overrides, examples)
        finally:
            if alone is not None:
                runner.run(alone.stop())


def _refuse(what: str, faults: list[str]) -> None:
    if faults:
        raise AssertionError("\n- ".join([f"{what}:", *faults]))


def _methods(module: Module | object, manifest: ModuleManifest) -> Mapping[str, Method]:
    if isinstance(module, Module):
        return {name: each.method for name, each in module.methods.items()}
    registry = ModuleRegistry()
    registry.register(manifest.name, module, list(manifest.methods))
    return registry.methods(manifest.name)


# --- what can be seen without a call ---


def _static_faults(
    module: Module | object, manifest: ModuleManifest, kinds: Collection[str]
) -> list[str]:
    if not isinstance(module, Module):
        return [fault for name, entry in manifest.methods.items()
                for fault in _object_faults(module, name, entry)]  # fmt: skip
    own = module.manifest
    verdict = check_manifest(manifest, needs=module.needs(), own=kinds)
    faults = [
        *verdict.errors,
        *(f"it declares {shown(each)}, and the manifest does not"
          for each in own.capabilities if each not in manifest.capabilities),
    ]  # fmt: skip
    for name, entry in manifest.methods.items():
        mine = own.methods.get(name)
        faults += [f"it has no method {name}"] if mine is None else _differences(name, mine, entry)
    return faults


def _differences(name: str, mine: MethodEntry, wanted: MethodEntry) -> list[str]:
    """Say in what two declarations of a method differ for those who call it."""
    pairs = {
        "takes": (_named(mine), _named(wanted)),
        "may be given without": (mine.optional, wanted.optional),
        "takes by name only": (mine.by_name, wanted.by_name),
        "answers": (_digest(mine.result), _digest(wanted.result)),
        "is idempotent": (mine.idempotent, wanted.idempotent),
    }
    return [
        f"{name} {what}: {has!r}, not {should!r}"
        for what, (has, should) in pairs.items()
        if has != should
    ]


def _named(entry: MethodEntry) -> list[tuple[str, str]]:
    return [(name, _digest(stored)) for name, stored in entry.parameters]


def _digest(stored: Any) -> str:
    return "anything" if stored is None else _type(stored).digest[:19]


def _type(stored: Any) -> GType:
    return GType(stored.root, stored.objects)


def _object_faults(module: object, name: str, entry: MethodEntry) -> list[str]:
    call = getattr(module, name, None)
    if not callable(call):
        return [f"it has no method {name}"]
    params = inspect.signature(call).parameters.values()
    takes_any = {each.kind for each in params} & _VARIADIC
    known = {each.name for each in params}
    missing = [] if takes_any else [n for n, _ in entry.parameters if n not in known]
    return [f"{name} takes no {', '.join(missing)}"] if missing else []


# --- what a call shows ---


class _Outcome(NamedTuple):
    """What came of a call."""

    answer: bytes = b""
    """As canonical JSON."""
    error: Exception | None = None

    def is_as(self, other: "_Outcome") -> bool:
        """Say whether two calls came to the same."""
        kinds = type(self.error), type(other.error)
        return self.answer == other.answer and kinds[0] is kinds[1]


class _Held:
    """One method, to be called."""

    def __init__(
        self,
        method: Method,
        entry: MethodEntry,
        errors: tuple[type[Exception], ...],
        alone: HostedAlone | None,
        runner: asyncio.Runner,
    ) -> None:
        self._method = method
        self._entry = entry
        self._errors = errors
        self._alone = alone
        self._runner = runner
        self._result = None if entry.result is None else PlainChecker(_type(entry.result))
        self._calls = 0
        signature = method.signature or inspect.signature(method.call)
        self._read = {each.name: _reader(each) for each in signature.parameters.values()}
        self._several = {e.name for e in signature.parameters.values() if e.kind in _VARIADIC}

    def check(self, overrides: Overrides | None, examples: int) -> None:
        """Call it with values that conform."""
        quiet = settings(
            max_examples=examples, deadline=None, database=None,
            # What lies beyond a call is not the user's: a witness says enough.
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )  # fmt: skip

        @quiet
        @given(_arguments(self._entry, self._several, overrides))
        def law(drawn: Arguments) -> None:
            note(f"{self._method.qualified}({', '.join(f'{k}={v!r}' for k, v in drawn.items())})")
            self._holds(drawn)

        law()

    def _holds(self, drawn: Arguments) -> None:
        self._calls += 1
        if self._alone is not None:
            self._alone.denied.clear()
        first = self._call(drawn)
        self._judge(first)
        if self._entry.idempotent:
            again = self._call(drawn)
            assert first.is_as(again), self._told(  # noqa: S101
                f"is idempotent, and said another thing the second time: {_said(first)}, "
                f"then {_said(again)}"
            )

    def _judge(self, outcome: _Outcome) -> None:
        if self._alone is not None and self._alone.denied:
            what = ", ".join(f"{kind} of {argument!r}" for kind, argument in self._alone.denied)
            raise AssertionError(self._told(f"uses {what}, which the module does not declare"))
        error = outcome.error
        if error is not None:
            assert self._is_declared(error), self._told(  # noqa: S101
                f"raised {error!r}, which its file does not name"
            )
        elif self._result is not None:
            issues = self._result.issues(msgspec.json.decode(outcome.answer)).issues
            assert not issues, self._told(  # noqa: S101
                f"answered what it does not declare: {issues[0].path or 'the answer'}: "
                f"{issues[0].message}"
                if issues
                else ""
            )

    def _is_declared(self, error: Exception) -> bool:
        if isinstance(error, CapabilityDeniedError):
            return False
        known = self._method.find_error(type(error).__name__)
        return known is type(error) or isinstance(error, self._errors)

    def _call(self, drawn: Arguments) -> _Outcome:
        given = {name: self._read.get(name, _as_it_is)(value) for name, value in drawn.items()}
        # Both calls of an idempotent method are one to it, as after a crash.
        about = About(request_id=f"req-{self._calls:032x}", key=f"{self._calls:064x}")
        context = contextvars.copy_context()
        context.run(CALL.set, HostedCall(about))
        try:
            answer = self._runner.run(self._answer(given), context=context)
        except Exception as error:  # noqa: BLE001 - what it raises is what is judged
            return _Outcome(error=error)
        try:
            return _Outcome(_encode(answer))
        except (TypeError, ValueError) as error:
            told = self._told(f"answered what is no plain data: {error}")
            raise AssertionError(told) from error

    async def _answer(self, given: Mapping[str, Any]) -> Any:
        args = [given[name] for name in self._leading(given)]
        rest = {name: value for name, value in given.items() if name not in self._leading(given)}
        if self._alone is not None:
            return await self._alone.call(self._method, tuple(args), rest)
        answer = self._method.call(*args, **rest)
        return await answer if isinstance(answer, Coroutine) else answer

    def _leading(self, given: Mapping[str, Any]) -> list[str]:
        """Return the parameters that are given by position: up to the first left out."""
        names: list[str] = []
        for name, _ in self._entry.parameters:
            if name not in given or name in self._entry.by_name:
                break
            names.append(name)
        return names

    def _told(self, what: str) -> str:
        return f"{self._method.qualified} {what}."


def _arguments(
    entry: MethodEntry, several: Container[str], overrides: Overrides | None
) -> st.SearchStrategy[Arguments]:
    anything = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
    drawn = {
        name: anything if stored is None else values(_type(stored), overrides)
        for name, stored in entry.parameters
        # What takes any number of arguments is called with none of them.
        if name not in several
    }
    needed = {name: each for name, each in drawn.items() if name not in entry.optional}
    free = {name: each for name, each in drawn.items() if name in entry.optional}
    return st.fixed_dictionaries(needed, optional=free)


def _reader(parameter: inspect.Parameter) -> Callable[[Any], Any]:
    """Return what makes of plain JSON what the parameter is of."""
    hint = parameter.annotation
    if hint in {Any, inspect.Parameter.empty} or isinstance(hint, str):
        return _as_it_is
    decode = check(hint).decode
    return lambda plain: decode(_encode(plain))


def _as_it_is(plain: Any) -> Any:
    return plain


def _said(outcome: _Outcome) -> str:
    return repr(outcome.error) if outcome.error is not None else outcome.answer[:200].decode()
