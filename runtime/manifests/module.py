"""What a module declares, as data: its manifest (MM-1, MM-2)."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from runtime.errors import DependencyError, ModuleManifestError
from runtime.gtype.stored import Stored
from runtime.manifests.capabilities import Grant, covers, fault_of
from runtime.manifests.handler import digest_of

_encode = msgspec.json.Encoder(order="sorted").encode
RUNTIMES = ("inprocess", "subprocess", "sandbox", "wasm")
OWN_PROCESS = frozenset({"subprocess", "sandbox"})
"""Those that run in processes of their own."""


# Nothing is left out for being the default: that asks which object it is, and equal manifests
# of two processes must be the same bytes.


class MethodEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A method of a module."""

    parameters: tuple[tuple[str, Stored | None], ...] = ()
    """Names and types, in order; None: any."""
    result: Stored | None = None
    timeout_s: float = 5.0
    idempotent: bool = False
    write_ahead: bool = False
    attempts: int = 1
    optional: tuple[str, ...] = ()
    """Those of its parameters that a call may leave out."""
    by_name: tuple[str, ...] = ()
    """Those that a call gives by name only."""


class Resources(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the processes of a module may take, each; None: as much as there is."""

    address_space: int | None = 512 * 1024 * 1024
    """Bytes."""
    cpu_s: int | None = None
    """Of all its calls together."""
    files: int | None = 256
    """Open ones."""
    processes: int | None = None
    """Of the user it runs as, threads too: of all that user's programs together."""
    workers: int = 10
    """Processes at most."""
    concurrency: int = 1
    """Calls a process runs at a time."""
    idle_s: float = 60.0
    """For which a pool has to be little used before processes that have nothing to do end."""
    acquire_s: float = 5.0
    """A call waits for a process."""
    frame: int = 1024 * 1024
    """Bytes of a call or an answer."""
    memory: int = 64 * 1024 * 1024
    """Bytes a WebAssembly instance may have."""
    fuel: int | None = 10_000_000_000
    """Instructions of WebAssembly a call may run, about."""
    min_workers: int = 1
    """Processes that are there from the start on, and stay."""


class ModuleManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a module declares."""

    name: str
    version: str
    runtime: str
    methods: dict[str, MethodEntry]
    source: str
    """Digest of the code of its methods."""
    capabilities: tuple[Grant, ...] = ()
    resources: Resources = Resources()
    health: bool = False
    """Whether it has a check of its own."""
    depends_on: tuple[str, ...] = ()
    lazy: bool = False
    fallback: str | None = None
    """What may run it where its runtime cannot be had."""

    @property
    def digest(self) -> str:
        """The digest of all of it."""
        return digest_of(self.plain())

    def plain(self) -> dict[str, Any]:
        """Give it as plain data, as it comes back out of a log."""
        plain: dict[str, Any] = msgspec.json.decode(_encode(self))
        for method in plain["methods"].values():
            # They came later: a module that has none of them is what it was to older logs.
            for name in ("optional", "by_name"):
                if not method[name]:
                    del method[name]
        if plain["resources"]["min_workers"] == 1:
            del plain["resources"]["min_workers"]
        return plain


def module_to_json(manifest: ModuleManifest) -> bytes:
    """Write a manifest as canonical JSON, on one line."""
    return _encode(manifest.plain()) + b"\n"


def module_from_json(text: bytes | str) -> ModuleManifest:
    """Read what `module_to_json` wrote.

    Raises:
        ModuleManifestError: it is none, or has a field that is not known.
    """
    try:
        return msgspec.json.decode(text, type=ModuleManifest)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ModuleManifestError(
            problem=f"This is no manifest of a module: {error}.",
            remedy="Give one that this Timescape wrote.",
        ) from error


class Need(msgspec.Struct, frozen=True):
    """A use of a capability that the source of a module shows."""

    kind: str
    argument: str


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of a module's capabilities (MM-5)."""

    granted: tuple[Grant, ...] = ()
    denied: tuple[Grant, ...] = ()
    """Asked for and not given; the module does without."""
    missing: tuple[Need, ...] = ()
    """Used and not declared."""
    errors: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the module may be registered."""
        return not self.errors


def check(
    manifest: ModuleManifest,
    policy: Iterable[Grant] | None = None,
    needs: Iterable[Need] = (),
    own: Container[str] = (),
) -> Verdict:
    """Decide what a module is granted; all reasons against it at once.

    Args:
        manifest: of the module.
        policy: what it may be granted at most; None: whatever it declares.
        needs: what its source shows.
        own: kinds of capabilities that the app has added.
    """
    granted: list[Grant] = []
    denied: list[Grant] = []
    errors: list[str] = []
    policy = None if policy is None else tuple(policy)
    for wanted in manifest.capabilities:
        fault = fault_of(wanted, own)
        if fault is None and policy is not None and not covers(policy, wanted):
            fault = f"{shown(wanted)} is not granted to it"
        if fault is None:
            granted.append(wanted)
            continue
        denied.append(wanted)
        if wanted.required:
            errors.append(fault)
    missing = tuple(need for need in needs if not _declares(manifest, need))
    errors += [f"it uses {each.kind} of {each.argument!r}, undeclared" for each in missing]
    return Verdict(tuple(granted), tuple(denied), missing, tuple(errors))


def _declares(manifest: ModuleManifest, need: Need) -> bool:
    return any(
        each.kind == need.kind and covers([each], Grant(need.kind, (need.argument,)))
        for each in manifest.capabilities
    )


def shown(wanted: Grant) -> str:
    """Show a grant to people: `secret.read of stock_token`."""
    return f"{wanted.kind} of {', '.join(wanted.patterns) or 'nothing'}"


def start_order(depends_on: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Give modules in the order of their starts: what they depend on first, else as registered.

    Args:
        depends_on: each module, in order of registration, to what it depends on.

    Raises:
        DependencyError: lists all that is missing, and every module that stands in a circle.
    """
    missing = [
        f"{name} needs {other!r}, which is not registered"
        for name, others in depends_on.items()
        for other in others
        if other not in depends_on
    ]
    ordered: dict[str, None] = {}
    waiting = dict(depends_on)
    while ready := next((n for n in waiting if _is_ready(n, waiting, ordered)), None):
        ordered[ready] = None
        del waiting[ready]
    circles = sorted(name for name in waiting if _reaches_itself(name, depends_on))
    if circles:
        missing.append(f"{', '.join(circles)} need each other")
    if missing:
        raise DependencyError(
            problem=f"Modules cannot be started: {'; '.join(missing)}.",
            remedy="Register what is missing, and let no module need itself.",
        )
    return tuple(ordered)


def _is_ready(name: str, waiting: Mapping[str, Sequence[str]], done: Mapping[str, None]) -> bool:
    return all(other in done or other not in waiting for other in waiting[name])


def _reaches_itself(name: str, depends_on: Mapping[str, Sequence[str]]) -> bool:
    seen: set[str] = set()
    todo = list(depends_on[name])
    while todo:
        other = todo.pop()
        if other not in seen:
            seen.add(other)
            todo += depends_on.get(other, ())
    return name in seen
