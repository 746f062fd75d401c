"""Compiled modules: what their code asks for and offers, judged before it runs (IS-1).

The form of a module, for those who compile one: it exports `memory`, `alloc(i32) -> i32`, which
gives room for that many bytes, and each method as `(i32 address, i32 length) -> i64`. What it is
given is the JSON of its arguments, a list; what it gives is the JSON of its answer, its address
in the upper 32 bits and its length in the lower ones. It imports nothing but what is here.
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Final

import wasmtime

from runtime.errors import ModuleManifestError, ModuleRefusedError
from runtime.manifests.capabilities import Grant
from runtime.manifests.module import Resources
from runtime.modules import Module

NAMESPACE: Final = "timescape"
_PAGE: Final = 65_536
_I32, _I64 = "i32", "i64"
Shape = tuple[tuple[str, ...], tuple[str, ...]]
IMPORTS: Final[Mapping[str, tuple[str | None, Shape]]] = {
    "log": (None, ((_I32, _I32), ())),
    "fail": (None, ((_I32, _I32), ())),
    "secret": ("secret.read", ((_I32, _I32), (_I64,))),
    "read": ("fs.read", ((_I32, _I32), (_I64,))),
    "write": ("fs.write", ((_I32, _I32, _I32, _I32), ())),
}
"""Each function a module may import, to the capability it needs, and its shape."""
_METHOD: Final[Shape] = ((_I32, _I32), (_I64,))
_ALLOC: Final[Shape] = ((_I32,), (_I32,))


class Code:
    """A compiled module.

    Args:
        wasm: its bytes.

    Raises:
        ValueError: they are none.
    """

    def __init__(self, wasm: bytes) -> None:
        self.engine = _engine()
        try:
            self.module = wasmtime.Module(self.engine, wasm)
        except wasmtime.WasmtimeError as error:
            raise ValueError(str(error)[:300]) from error
        self._compiled = bytes(self.module.serialize())

    def again(self) -> tuple[wasmtime.Engine, wasmtime.Module]:
        """Give the same code on an engine of its own, which can be interrupted alone."""
        engine = _engine()
        return engine, wasmtime.Module.deserialize(engine, self._compiled)

    def faults(self, methods: Iterable[str], resources: Resources) -> list[str]:
        """Say what is missing of what it has to export, and how it is too large."""
        exports = {each.name: each.type for each in self.module.exports}
        wanted = {"alloc": _ALLOC, **dict.fromkeys(methods, _METHOD)}
        found = [
            f"it exports no {name}{_shown(shape)}"
            for name, shape in wanted.items()
            if _shape(exports.get(name)) != shape
        ]
        memory = exports.get("memory")
        if not isinstance(memory, wasmtime.MemoryType):
            found.append("it exports no memory")
        elif memory.limits.min * _PAGE > resources.memory:
            found.append(f"its memory begins above {resources.memory} bytes")
        return found

    def ungranted(self, granted: Iterable[Grant]) -> list[str]:
        """Name the imports that nobody gives it: unknown ones, and those without a grant."""
        kinds = {None, *(each.kind for each in granted)}
        found = []
        for each in self.module.imports:
            capability, shape = IMPORTS.get(each.name or "", (None, None))
            if each.module != NAMESPACE or shape is None or _shape(each.type) != shape:
                found.append(f"{each.module}.{each.name}, which there is not")
            elif capability not in kinds:
                found.append(f"{each.module}.{each.name} without a grant of {capability}")
        return found


def code_of(module: Module, granted: Iterable[Grant]) -> Code:
    """Compile *module*.

    Raises:
        ModuleManifestError: its file is no WebAssembly, or lacks what it has to export.
        ModuleRefusedError: it imports what it is not granted.
    """
    assert module.artefact is not None  # noqa: S101 - its manifest was made
    try:
        code = Code(module.artefact.read_bytes())
    except (OSError, ValueError) as error:
        raise ModuleManifestError(
            problem=f"{module.artefact.name} of module {module.name!r} is no WebAssembly: {error}.",
            remedy="Compile it again.",
        ) from error
    faults = code.faults(module.methods, module.resources)
    if faults:
        raise ModuleManifestError(
            problem=f"Module {module.name!r} cannot be: {'; '.join(faults)}.",
            remedy="Nothing was registered. Correct all of it.",
        )
    ungranted = code.ungranted(granted)
    if ungranted:
        raise ModuleRefusedError(
            problem=f"Module {module.name!r} is refused: it imports {'; '.join(ungranted)}.",
            remedy="Declare what it uses, and let it be granted what it cannot do without.",
        )
    return code


def enforced(resources: Resources) -> tuple[str, ...]:
    """Say what holds a module within bounds."""
    limits = [f"memory={resources.memory}", "epoch"]
    if resources.fuel is not None:
        limits.append(f"fuel={resources.fuel}")
    return (f"wasmtime={version('wasmtime')}", *limits)


def _engine() -> wasmtime.Engine:
    config = wasmtime.Config()
    config.epoch_interruption = True
    config.consume_fuel = True
    # What is granted is all there is to tell two runs apart.
    config.cranelift_nan_canonicalization = True
    config.wasm_threads = False
    return wasmtime.Engine(config)


def _shape(kind: object) -> Shape | None:
    if not isinstance(kind, wasmtime.FuncType):
        return None
    return tuple(map(str, kind.params)), tuple(map(str, kind.results))


def _shown(shape: Shape) -> str:
    return f"({', '.join(shape[0])}) -> {', '.join(shape[1])}"
