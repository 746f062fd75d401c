"""`Module`: methods that declare how they are to be run, and what they may use."""

import functools
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, TypeVar, overload

import msgspec

from runtime.errors import ModuleManifestError, TimescapeError
from runtime.gtype import gtype
from runtime.gtype.stored import Stored
from runtime.manifests.capabilities import Grant
from runtime.manifests.handler import stored_type
from runtime.manifests.module import RUNTIMES, MethodEntry, ModuleManifest, Need, Resources
from runtime.modules.needs import needs_of
from runtime.modules.registry import Method

F = TypeVar("F", bound=Callable[..., Any])
Isolation: TypeAlias = Literal["inprocess", "subprocess", "sandbox", "wasm"]
Fallback: TypeAlias = Literal["subprocess"]
_STANDS_IN = ("sandbox", "subprocess")
ATTEMPTS = 4
"""Of a call of a method that may run twice."""
TIMEOUT_S = 5.0


class DeclaredMethod(msgspec.Struct, frozen=True):
    """A method of a `Module`."""

    function: Callable[..., Any]
    """As it was written, with the context first."""
    method: Method
    """As it is called, without."""
    entry: MethodEntry


class Module:
    """A module whose methods are called through `gctx.modules`.

    Every method takes a `ModuleContext` first; what follows is what callers give.

    Args:
        name: lower-case letters, digits and `_`, at most 63, a letter first.
        version: of it; None: from what it declares and how it is written. With a version of
            your own every change needs another.
        isolation: `inprocess`; `subprocess`: in processes of its own; `sandbox`: in such that
            reach no file, connection or program but through their grants; `wasm`: compiled to
            WebAssembly, and the functions here say only what its methods take and give.
        isolation_fallback: `subprocess`, if that may stand in for a sandbox that the machine
            cannot give; the log tells.
        artefact: file of a `wasm` module, beside the file that makes it.
        capabilities: what it may use, made by `grant`; nothing else.
        resources: what its processes may take; None: the defaults.
        depends_on: names of modules that start before it and stop after it.
        lazy: start it at its first call instead of before the first request.
    """

    def __init__(  # noqa: PLR0913 - what it declares
        self,
        name: str,
        *,
        version: str | None = None,
        isolation: Isolation = "inprocess",
        isolation_fallback: Fallback | None = None,
        artefact: str | Path | None = None,
        capabilities: Iterable[Grant] = (),
        resources: Resources | None = None,
        depends_on: Iterable[str] = (),
        lazy: bool = False,
    ) -> None:
        self.name = name
        self.isolation = isolation
        self.fallback = isolation_fallback
        self.lazy = lazy
        self.resources = resources or Resources()
        self.depends_on = tuple(depends_on)
        self.capabilities = tuple(capabilities)
        self._version = version
        self._methods: dict[str, DeclaredMethod] = {}
        self._hooks: dict[str, Callable[..., Any]] = {}
        self._faults = _faults(name, version, isolation, self.resources)
        frame = sys._getframe(1)  # noqa: SLF001 - the caller's file is where a process finds it
        self.home = str(frame.f_globals.get("__name__", ""))
        """The Python module that made it."""
        self.artefact: Path | None = None
        """Its file, if it is compiled."""
        if artefact is not None:
            self.artefact = Path(frame.f_globals.get("__file__", "")).parent / artefact

    # --- declaring ---

    @overload
    def method(self, fn: F) -> F: ...
    @overload
    def method(
        self,
        *,
        idempotent: bool = False,
        timeout: float = TIMEOUT_S,
        attempts: int | None = None,
        write_ahead: bool = False,
    ) -> Callable[[F], F]: ...
    def method(
        self,
        fn: Any = None,
        *,
        idempotent: bool = False,
        timeout: float = TIMEOUT_S,
        attempts: int | None = None,
        write_ahead: bool = False,
    ) -> Any:
        """Let a function be called, under its own name.

        Args:
            fn: sync or async, where the decorator stands without brackets.
            idempotent: running it twice does no harm: a call that failed is made again.
            timeout: seconds an attempt may take; then what it does is ended.
            attempts: at most; None: 4 of an idempotent method, else 1.
            write_ahead: the log has to know of a call, durably, before it is made.
        """

        def register(function: F) -> F:
            tries = attempts or (ATTEMPTS if idempotent else 1)
            # 2 and 2.0 are one limit, and must be one manifest.
            limit_s = float(timeout) if isinstance(timeout, int) else timeout
            entry = MethodEntry(
                timeout_s=limit_s,
                idempotent=idempotent,
                write_ahead=write_ahead,
                attempts=tries,
            )
            self._add(function, entry)
            return function

        return register if fn is None else register(fn)

    def on_start(self, fn: F) -> F:
        """Run a function, with a context, before the first call; in each process of it."""
        return self._hook("start", fn)

    def on_stop(self, fn: F) -> F:
        """Run a function, with a context, after the last call; in each process of it."""
        return self._hook("stop", fn)

    def health(self, fn: F) -> F:
        """Ask a function, with a context, every 10 s; False and an error are failures."""
        return self._hook("health", fn)

    def _hook(self, kind: str, fn: F) -> F:
        if kind in self._hooks:
            self._faults.append(f"it has two functions for its {kind}")
        self._hooks[kind] = fn
        return fn

    def _add(self, function: Callable[..., Any], entry: MethodEntry) -> None:
        name = getattr(function, "__name__", repr(function))
        self._faults += _method_faults(name, entry, taken=name in self._methods)
        try:
            call = _without_context(name, function)
            home = sys.modules.get(function.__module__, sys)
            made = Method(self.name, name, call, home, write_ahead=entry.write_ahead)
            made.signature = inspect.signature(call)
            entry = msgspec.structs.replace(
                entry,
                parameters=_parameters(made.signature),
                result=_stored(made.signature),
                optional=_names(made.signature, _may_be_left_out),
                by_name=_names(made.signature, _is_by_name),
            )
        except TimescapeError as error:
            self._faults.append(f"{name}: {error.problem}")
            return
        self._methods[name] = DeclaredMethod(function, made, entry)

    # --- read ---

    @property
    def methods(self) -> Mapping[str, DeclaredMethod]:
        """By name, in order."""
        return MappingProxyType(self._methods)

    @property
    def hooks(self) -> Mapping[str, Callable[..., Any]]:
        """For start, stop and health."""
        return MappingProxyType(self._hooks)

    @property
    def functions(self) -> tuple[Callable[..., Any], ...]:
        """All of its functions."""
        return (*(each.function for each in self._methods.values()), *self._hooks.values())

    @property
    def manifest(self) -> ModuleManifest:
        """What it declares, as data.

        Raises:
            ModuleManifestError: all that is wrong with it.
        """
        faults = [*self._faults, *self._tier_faults()]
        if faults:
            raise ModuleManifestError(
                problem=f"Module {self.name[:80]!r} cannot be: {'; '.join(faults)}.",
                remedy="Nothing was registered. Correct all of it.",
            )
        manifest = ModuleManifest(
            name=self.name,
            version=self._version or "",
            runtime=self.isolation,
            methods={name: each.entry for name, each in self._methods.items()},
            source=_source(self.functions, self.artefact),
            capabilities=self.capabilities,
            resources=self.resources,
            health="health" in self._hooks,
            depends_on=self.depends_on,
            lazy=self.lazy,
            fallback=self.fallback,
        )
        if self._version is None:
            made = manifest.digest.removeprefix("sha256:")[:12]
            manifest = msgspec.structs.replace(manifest, version=made)
        return manifest

    def _tier_faults(self) -> list[str]:
        found = []
        if self.fallback is not None and (self.isolation, self.fallback) != _STANDS_IN:
            found.append("isolation_fallback is for a sandbox, and is subprocess")
        if self.isolation != "wasm":
            return [*found, *(["only wasm has an artefact"] if self.artefact else [])]
        if self.artefact is None or not self.artefact.is_file():
            found.append(f"its artefact is no file: {self.artefact}")
        if self._hooks:
            found.append("WebAssembly has no functions for start, stop and health")
        for name, each in self._methods.items():
            kinds = {one.kind for one in inspect.signature(each.function).parameters.values()}
            if kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
                found.append(f"{name} takes any number of arguments, as WebAssembly cannot")
        return found

    def needs(self) -> list[Need]:
        """Say which capabilities its source shows in use."""
        return needs_of(self.functions)

    def attribute(self) -> str | None:
        """Return the name it has in the Python module that made it; None: it has none."""
        home = sys.modules.get(self.home)
        names = (name for name, value in vars(home).items() if value is self) if home else ()
        return next(iter(names), None)


def _faults(name: object, version: object, isolation: object, resources: Resources) -> list[str]:
    found = []
    is_name = isinstance(name, str) and 0 < len(name) <= 63 and name[0].isalpha()
    if not is_name or not all(
        c.isascii() and (c.islower() or c.isdigit() or c == "_") for c in str(name)
    ):
        found.append("its name is not made of a-z, 0-9 and _, a letter first, at most 63")
    if version is not None and (not isinstance(version, str) or not 0 < len(version) <= 64):
        found.append("its version is not 1 to 64 characters")
    if isolation not in RUNTIMES:
        found.append(f"isolation={isolation!r} is not one of {', '.join(RUNTIMES)}")
    if not 1 <= resources.workers <= 64 or not 1 <= resources.concurrency <= 1_000:
        found.append("it needs 1 to 64 workers and a concurrency of 1 to 1000")
    if not 1 <= resources.min_workers <= resources.workers:
        found.append("it needs 1 worker at least, and at most as many as it may have")
    if not 1_024 <= resources.frame <= 16 * 1024 * 1024:
        found.append("its frames are not between 1 KiB and 16 MiB")
    return found


def _method_faults(name: str, entry: MethodEntry, *, taken: bool) -> list[str]:
    found = []
    if taken:
        found.append(f"{name} is declared twice")
    if not name.isidentifier() or name.startswith("_"):
        found.append(f"{name[:80]} is no name for a method")
    if not isinstance(entry.timeout_s, int | float) or not 0 < entry.timeout_s <= 3_600:
        found.append(f"{name} has the timeout {entry.timeout_s!r}, not above 0 and at most 3600 s")
    if not 1 <= entry.attempts <= 100:
        found.append(f"{name} has {entry.attempts} attempts, not 1 to 100")
    if entry.attempts > 1 and not entry.idempotent:
        found.append(f"{name} has {entry.attempts} attempts and is not idempotent")
    return found


def _without_context(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what stands for *function* to callers: it lacks the first parameter."""
    signature = inspect.signature(function, eval_str=False)
    given = list(signature.parameters.values())
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if not given or given[0].kind not in by_position:
        msg = f"{name} takes no context as its first argument."
        raise ModuleManifestError(msg, "Write `def f(ctx, …)`.")

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def stand_in(*_: Any, **__: Any) -> Any:
            raise NotImplementedError

    else:

        @functools.wraps(function)
        def stand_in(*_: Any, **__: Any) -> Any:
            raise NotImplementedError

    hints = dict(getattr(function, "__annotations__", {}))
    hints.pop(given[0].name, None)
    stand_in.__annotations__ = hints
    resolved = _resolved(function)
    stand_in.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[each.replace(annotation=resolved.get(each.name, Any)) for each in given[1:]],
        return_annotation=resolved.get("return", Any),
    )
    return stand_in


def _resolved(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return dict(inspect.get_annotations(function, eval_str=True))
    except Exception as error:  # what stands there is the user's, and evaluated
        msg = f"its hints cannot be read: {type(error).__name__}: {error}."
        raise ModuleManifestError(msg, "Import what they name.") from error


def _parameters(signature: inspect.Signature) -> tuple[tuple[str, Stored | None], ...]:
    return tuple((each.name, _type(each.annotation)) for each in signature.parameters.values())


def _names(
    signature: inspect.Signature, chosen: Callable[[inspect.Parameter], bool]
) -> tuple[str, ...]:
    return tuple(each.name for each in signature.parameters.values() if chosen(each))


def _may_be_left_out(each: inspect.Parameter) -> bool:
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return each.default is not inspect.Parameter.empty or each.kind in variadic


def _is_by_name(each: inspect.Parameter) -> bool:
    return each.kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)


def _stored(signature: inspect.Signature) -> Stored | None:
    return _type(signature.return_annotation)


def _type(hint: Any) -> Stored | None:
    if hint is Any:
        return None
    return stored_type(gtype(type(None) if hint is None else hint))


def _source(functions: Iterable[Callable[..., Any]], artefact: Path | None = None) -> str:
    """Digest how functions are written; without a source, their bytecode; and the artefact."""
    digest = hashlib.sha256(b"" if artefact is None else artefact.read_bytes())
    for function in functions:
        try:
            text = inspect.getsource(function)
        except (OSError, TypeError):
            code = getattr(function, "__code__", None)
            text = "" if code is None else code.co_code.hex()
        digest.update(text.encode() + b"\0")
    return f"sha256:{digest.hexdigest()}"
