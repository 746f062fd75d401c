"""What of an app needs a keyring: refused at its start, not by its first request (EN-1)."""

from collections.abc import Iterable, Iterator

from eventstore.keyring import keyring_missing
from runtime.app.declarations import Declared
from runtime.gtype import Mark, marks_of
from runtime.modules import ModuleRegistry


def refuse_without_keyring(
    declared: Iterable[Declared], modules: ModuleRegistry, classes: Iterable[type]
) -> None:
    """Refuse what is to be hashed or sealed, as there is no keyring.

    Raises:
        EventStoreError: `keyring-missing`, naming the first that needs it.
    """
    for who in (*_handlers(declared), *_methods(modules), *_classes(classes)):
        raise keyring_missing(who)


def _handlers(declared: Iterable[Declared]) -> Iterator[str]:
    for version in declared:
        for place in version.contract.needs_keyring:
            yield f"{version.template.text} ({version.place}), whose {place} is hashed or sealed,"


def _methods(modules: ModuleRegistry) -> Iterator[str]:
    for name in modules.names():
        for method in modules.methods(name).values():
            if any(map(_needs_one, (*method.marks.values(), method.answer_mark))):
                yield f"Module method {method.qualified}, which hashes or seals values,"


def _classes(classes: Iterable[type]) -> Iterator[str]:
    for cls in classes:
        for field, mark in marks_of(cls).items():
            if _needs_one(mark):
                yield f"Class {cls.__qualname__}, whose {field} is hashed or sealed,"


def _needs_one(mark: Mark | None) -> bool:
    return mark is not None and mark.how != "drop"
