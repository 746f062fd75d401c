"""Which modules the log does not know yet, or knows otherwise (MM-8)."""

from collections.abc import Mapping

import msgspec

from runtime.errors import DuplicateModuleError
from runtime.module_facts import ModuleRegistered


def new_modules(
    known: Mapping[str, ModuleRegistered], wanted: Mapping[str, ModuleRegistered]
) -> dict[str, ModuleRegistered]:
    """Say which modules the log is to be told of, and in which generation they are (MM-8).

    Raises:
        DuplicateModuleError: one has the version of another manifest.
    """
    new: dict[str, ModuleRegistered] = {}
    for name, module in wanted.items():
        before = known.get(name)
        if before is None:
            new[name] = module
            continue
        _refuse_same_version(name, before, module)
        same = msgspec.structs.replace(module, generation=before.generation)
        if same != before:
            # Granted otherwise it is no other module.
            is_next = before.digest != module.digest or not module.digest
            new[name] = msgspec.structs.replace(same, generation=before.generation + is_next)
    return new


def _refuse_same_version(name: str, before: ModuleRegistered, module: ModuleRegistered) -> None:
    if module.digest and before.version == module.version and before.digest != module.digest:
        raise DuplicateModuleError(
            problem=f"Module {name!r} changed, and is still of version {module.version!r}.",
            remedy="Give it another version, or none: then it gets one by itself.",
        )
