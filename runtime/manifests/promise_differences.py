"""What became of promises that are no types: problem codes, headers, pages (BR-6 to BR-9)."""

from collections.abc import Iterator

from runtime.breaking.differences import Difference, said
from runtime.manifests.promises import Promises
from runtime.manifests.rules import MANIFEST_RULES


def promised(old: Promises, new: Promises) -> Iterator[Difference]:
    """List how *new* promises differ from *old* ones."""
    yield from _codes(old, new)
    yield from _asked(old, new)
    yield from _given(old, new)
    if new.page_size is not None and (old.page_size is None or new.page_size < old.page_size):
        rule = "pages" if old.page_size is None else "page-lowered"
        was = "" if old.page_size is None else str(old.page_size)
        yield from _said("answer", rule, "/page_size", was, str(new.page_size))
    if old.order and old.order != new.order:
        yield from _said("answer", "order-changed", "/order", old.order, new.order)


def _codes(old: Promises, new: Promises) -> Iterator[Difference]:
    before, after = dict(old.problems), dict(new.problems)
    for code in sorted(before.keys() | after.keys()):
        was, now = str(before.get(code, "")), str(after.get(code, ""))
        if was != now:
            rule = "code-removed" if not now else "code-added" if not was else "code-changed"
            yield from _said("problems", rule, f"/{code}", was, now)


def _asked(old: Promises, new: Promises) -> Iterator[Difference]:
    for name in sorted(set(new.needs) - set(old.needs)):
        yield from _said("headers", "header-needed", f"/{name}", "", name)
    for name in sorted(set(old.needs) - set(new.needs)):
        yield from _said("headers", "header-not-needed", f"/{name}", name, "")
    for name in sorted(set(old.reads) - {*new.reads, *new.needs}):
        yield from _said("headers", "header-not-read", f"/{name}", name, "")


def _given(old: Promises, new: Promises) -> Iterator[Difference]:
    section = "answer headers"
    for name in sorted(set(new.gives) - set(old.gives)):
        yield from _said(section, "header-given", f"/{name}", "", name)
    for name in sorted(set(old.gives) - set(new.gives)):
        yield from _said(section, "header-not-given", f"/{name}", name, "")
    for name in sorted(set(old.may_give) - {*new.may_give, *new.gives}):
        yield from _said(section, "header-dropped", f"/{name}", name, "")


def _said(section: str, name: str, pointer: str, old: str, new: str) -> Iterator[Difference]:
    return said(section, MANIFEST_RULES[name], pointer, old, new)
