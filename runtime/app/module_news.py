"""Which modules the log does not know yet, or knows otherwise (MM-8)."""

from collections.abc import Mapping

import msgspec

from runtime.breaking.differences import Differences
from runtime.errors import DuplicateModuleError, ModuleManifestError
from runtime.manifests.module import module_from_json
from runtime.manifests.module_changes import diff_modules
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


def differences(
    known: Mapping[str, ModuleRegistered], new: Mapping[str, ModuleRegistered]
) -> dict[str, Differences]:
    """Say how modules that the log knows differ from what it knows (BR-51, BR-52, MM-8).

    Those that declare nothing, as objects that were registered as they are, are left out.
    """
    found: dict[str, Differences] = {}
    for name, module in new.items():
        try:
            found[name] = _differ(known[name], module)
        except (KeyError, ModuleManifestError):
            continue  # new, or of a form that is not known any more
    return {name: each for name, each in found.items() if each.changes}


def _differ(before: ModuleRegistered, module: ModuleRegistered) -> Differences:
    if not before.manifest or not module.manifest:
        return Differences()
    old, new = (module_from_json(msgspec.json.encode(each.manifest)) for each in (before, module))
    return diff_modules(old, new)
