"""What a change of a module means to those who call it and grant it (BR-51, BR-52)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import Module, ModuleContext, grant
from runtime.gtype import gtype
from runtime.manifests.handler import stored_type
from runtime.manifests.module import (
    MethodEntry,
    ModuleManifest,
    module_from_json,
    module_to_json,
)
from runtime.manifests.module_changes import diff_modules
from runtime.manifests.rules import MODULE_RULES

INT, TEXT, MAYBE = (stored_type(gtype(hint)) for hint in (int, str, int | None))
A, B = ("a", INT), ("b", INT)


def module(method: MethodEntry | None = None, **more: Any) -> ModuleManifest:
    methods = {} if method is None else {"left": method}
    return ModuleManifest("stock", "1", "inprocess", methods, "sha256:0", **more)


def method(**what: Any) -> ModuleManifest:
    return module(MethodEntry(**{"parameters": (A,), "result": INT, **what}))


def grants(*kinds: str) -> ModuleManifest:
    return module(capabilities=tuple(grant(kind, "a.example:443") for kind in kinds))


CASES = [
    ("BR-51", method(), module(), "B", "B"),
    ("BR-51", module(), method(), "S", "S"),
    ("BR-10", method(), method(parameters=(A, B), optional=("b",)), "S", "-"),
    ("BR-11", method(), method(parameters=(A, B)), "B", "-"),
    ("BR-13", method(parameters=(A, B)), method(), "B", "-"),
    ("BR-15", method(optional=("a",)), method(), "B", "-"),
    ("BR-16", method(), method(optional=("a",)), "S", "-"),
    ("BR-41", method(parameters=(A, B)), method(parameters=(B, A)), "B", "-"),
    ("BR-41", method(), method(by_name=("a",)), "B", "-"),
    ("BR-21", method(), method(parameters=(("a", MAYBE),)), "S", "-"),
    ("BR-25", method(), method(parameters=(("a", TEXT),)), "B", "-"),
    ("BR-21", method(), method(result=MAYBE), "-", "B"),
    ("BR-22", method(result=MAYBE), method(), "-", "S"),
    ("BR-45", method(), method(timeout_s=1.0), "R", "-"),
    ("BR-45", method(), method(timeout_s=9.0), "S", "-"),
    ("BR-48", method(idempotent=True), method(), "B", "-"),
    ("BR-48", method(), method(idempotent=True), "S", "-"),
    ("BR-52", grants(), grants("net.connect"), "R", "-"),
    ("BR-52", grants("net.connect"), grants(), "S", "-"),
]


@pytest.mark.proves("BR-51", "BR-52")
@pytest.mark.parametrize(("rule", "old", "new", "arguments", "result"), CASES)
def test_each_change_of_a_module_is_judged_by_its_rule(
    rule: str, old: ModuleManifest, new: ModuleManifest, arguments: str, result: str
) -> None:
    found = diff_modules(old, new).changes

    said = {change.direction: change.verdict[0].upper() for change in found}
    assert (said.get("request", "-"), said.get("response", "-")) == (arguments, result)
    assert {change.rule for change in found} == {rule}


def test_every_rule_of_modules_is_met_by_one_of_the_cases_above() -> None:
    met = {(case[0], case[3], case[4]) for case in CASES}

    for rule in MODULE_RULES.values():
        letters = [rule.request[0].upper(), rule.response[0].upper()]
        assert (rule.id, *("-" if each == "N" else each for each in letters)) in met


@pytest.mark.proves("BR-52")
def test_a_wider_pattern_has_to_be_granted_anew_and_a_narrower_one_not() -> None:
    one = module(capabilities=(grant("net.connect", "a.example.com:443"),))
    any_ = module(capabilities=(grant("net.connect", "*.example.com:443"),))

    assert diff_modules(one, any_).rules("risky") == ("BR-52",)
    assert not diff_modules(any_, one).rules("risky")


names = st.sampled_from(["a", "b", "c"])
methods = st.builds(
    lambda chosen, left_out, named, result, limit, twice: MethodEntry(
        tuple((name, kind) for name, kind in chosen), result, limit, twice,
        optional=tuple(n for n, _ in chosen if n in left_out),
        by_name=tuple(n for n, _ in chosen if n in named),
    ),
    st.lists(st.tuples(names, st.sampled_from([None, INT, TEXT, MAYBE])), max_size=3,
             unique_by=lambda pair: pair[0]),
    st.sets(names), st.sets(names), st.sampled_from([None, INT, MAYBE]),
    st.sampled_from([1.0, 5.0]), st.booleans(),
)  # fmt: skip
manifests = st.builds(
    lambda chosen, granted: ModuleManifest(
        "m", "1", "inprocess", chosen, "sha256:0",
        tuple(grant("secret.read", name) for name in sorted(granted)),
    ),
    st.dictionaries(st.sampled_from(["left", "sell"]), methods, max_size=2), st.sets(names),
)  # fmt: skip


def binds(method: MethodEntry, places: int, given: set[str]) -> bool:
    """Say whether a call with so many arguments by place and *given* ones by name is taken."""
    by_place = [name for name, _ in method.parameters if name not in method.by_name][:places]
    known = {name for name, _ in method.parameters}
    needed = known - set(method.optional)
    return (
        len(by_place) == places
        and not given & set(by_place)
        and given <= known
        and needed <= given | set(by_place)
    )


@pytest.mark.proves("BR-51", "DF-2")
@given(old=manifests, new=manifests, places=st.integers(0, 3), given_=st.sets(names))
def test_what_no_rule_breaks_binds_as_before(
    old: ModuleManifest, new: ModuleManifest, places: int, given_: set[str]
) -> None:
    """A call that bound goes on binding; nothing differs from itself, or after being read."""
    found = diff_modules(old, new)

    assert not diff_modules(old, old).changes
    again = diff_modules(*(module_from_json(module_to_json(each)) for each in (old, new)))
    assert (again.changes, again.digest) == (found.changes, found.digest)
    for name, before in old.methods.items():
        if not found.breaking and binds(before, places, given_):
            assert binds(new.methods[name], places, given_)


@pytest.mark.proves("BR-51", "MM-2")
def test_modules_as_they_are_written_are_compared() -> None:
    before, after = Module("stock"), Module("stock")

    def left(ctx: ModuleContext, sku: str, warehouse: int) -> int:
        return warehouse

    def then(ctx: ModuleContext, sku: str, warehouse: int, *, exact: bool = False) -> int:
        return warehouse

    then.__name__ = "left"
    before.method(left)
    after.method(timeout=9.0)(then)

    entry = after.manifest.methods["left"]
    assert (entry.optional, entry.by_name) == (("exact",), ("exact",))
    found = diff_modules(before.manifest, after.manifest)
    assert found.summary == "2 safe"
    assert [change.sentence for change in found.changes] == [
        "method left /exact: an argument was added that may be left out (nothing → exact)",
        "method left /timeout: a call has more time (5 → 9)",
    ]
    assert not diff_modules(after.manifest, before.manifest).rules("risky", "response")
    assert "optional" not in msgspec.json.decode(module_to_json(before.manifest))["methods"]["left"]
