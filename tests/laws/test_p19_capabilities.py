"""P19: what a capability reaches; P40: what a module is refused for. Both decided as data."""

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.errors import DependencyError, ModuleManifestError
from runtime.manifests.capabilities import KINDS, PROVIDED, Grant, allows, covers, grant
from runtime.manifests.grants import Grants
from runtime.manifests.module import (
    MethodEntry,
    ModuleManifest,
    Need,
    Resources,
    check,
    module_from_json,
    module_to_json,
    start_order,
)
from runtime.module_facts import CapabilityGranted, CapabilityRevoked

labels = st.sampled_from(["example", "com", "api", "evilexample", "a-b", "xn--bcher-kva"])
hosts = st.lists(labels, min_size=1, max_size=4).map(".".join)
ports = st.sampled_from([443, 80, 8443])


def place(host: str, port: int) -> str:
    return host if port == 443 else f"{host}:{port}"


@pytest.mark.proves("P19", "MM-6")
@given(host=hosts, asked=hosts, port=ports, at=ports, wild=st.booleans(), upper=st.booleans())
def test_p19_a_host_is_reached_label_by_label_and_a_port_exactly(
    host: str, asked: str, port: int, at: int, *, wild: bool, upper: bool
) -> None:
    """Seen to fail with `*.` standing for several labels: hosts compared by their ends."""
    pattern = place(f"*.{host}" if wild else host, port)
    parts, wanted = asked.split("."), host.split(".")
    same = len(parts) == len(wanted) + 1 and parts[1:] == wanted if wild else parts == wanted
    expected = same and port == at
    event(f"reached: {expected}")

    argument = place(asked.upper() if upper else asked, at)
    assert allows([grant("net.connect", pattern)], "net.connect", argument) == expected
    assert not allows([grant("net.connect")], "net.connect", argument)
    assert not allows([grant("secret.read", pattern)], "net.connect", argument)


@pytest.mark.proves("P19", "MM-6")
def test_what_patterns_reach_and_what_they_do_not() -> None:
    def reaches(kind: str, pattern: str, argument: str) -> bool:
        return allows([grant(kind, pattern)], kind, argument)

    assert reaches("net.connect", "*.example.com", "api.example.com:443")
    assert not reaches("net.connect", "*.example.com", "example.com")
    assert not reaches("net.connect", "*.example.com", "evilexample.com")
    assert not reaches("net.connect", "*.example.com", "a.b.example.com")
    assert not reaches("net.connect", "example.com", "example.com:80")
    assert reaches("net.connect", "bücher.example", "BÜCHER.example")
    assert reaches("net.connect", "10.0.0.0/8:5432", "10.1.2.3:5432")
    assert not reaches("net.connect", "10.0.0.0/8:5432", "11.1.2.3:5432")
    assert not reaches("net.connect", "*.1", "0.1")
    assert reaches("net.connect", "[::1]:80", "[0:0:0:0:0:0:0:1]:80")
    for bad in ("", "a b", "example.com:0", "example.com:99999", "http://example.com", "\0"):
        assert not reaches("net.connect", "*.example.com", bad)
    assert reaches("fs.read", "/data", "/data/a/b")
    assert not reaches("fs.read", "/data", "/database")
    assert not reaches("fs.read", "/data", "/data/../etc/passwd")
    assert not reaches("fs.read", "/data", "data/a")
    assert reaches("secret.read", "stock.*", "stock.token")
    assert not reaches("secret.read", "stock.*", "stock.token.old")
    assert not reaches("secret.read", "stock", "stock_token")


segments = st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=3).map(".".join)


@pytest.mark.proves("P19", "MM-6")
@given(wide=segments, narrow=segments, name=segments)
def test_what_covers_a_pattern_reaches_all_that_it_does(wide: str, narrow: str, name: str) -> None:
    name = name.replace("*", "b")
    outer, inner = grant("secret.read", wide), grant("secret.read", narrow)
    covered = covers([outer], inner)
    event(f"covered: {covered}")

    if covered and allows([inner], "secret.read", name):
        assert allows([outer], "secret.read", name)
    if not covered:
        # Some name of the narrow one lies outside: that with `z` for each star.
        assert not allows([outer], "secret.read", narrow.replace("*", "z"))


# --- in force ---

kinds = st.sampled_from(["secret.read", "fs.read"])
names = st.sampled_from(["a", "b", "a.*"])
changes = st.lists(
    st.tuples(st.booleans(), st.sampled_from(["stock", "mail"]), kinds, names), max_size=8
)


@pytest.mark.proves("P19", "CP-1", "MM-7")
@given(changes=changes, asked=st.sampled_from(["a", "b", "a.x"]))
def test_a_grant_holds_from_its_fact_to_its_end_and_for_its_module_alone(
    changes: list[tuple[bool, str, str, str]], asked: str
) -> None:
    grants = Grants({"stock": [grant("secret.read", "a")]})
    model = {("stock", "secret.read", "a")}
    for granted, module, kind, pattern in changes:
        fact = CapabilityGranted if granted else CapabilityRevoked
        grants.add(fact(kind, pattern), module)
        (model.add if granted else model.discard)((module, kind, pattern))

    for module in ("stock", "mail", "other"):
        given_ = {p for m, k, p in model if (m, k) == (module, "secret.read")}
        expected = asked in given_ or (asked == "a.x" and "a.*" in given_)
        assert grants.allow(module, "secret.read", asked) == expected
        assert grants.of(module) == tuple(sorted((k, p) for m, k, p in model if m == module))


# --- P40: refused for what is undeclared or cannot be had ---

wanted = st.builds(
    Grant,
    st.sampled_from(["secret.read", "secret.read", "net.listen", "moon.fly"]),
    st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=2, unique=True).map(tuple),
    st.booleans(),
)
needs = st.builds(Need, st.just("secret.read"), st.sampled_from(["a", "b", "c"]))


def manifest(capabilities: tuple[Grant, ...] = (), **more: Any) -> ModuleManifest:
    return ModuleManifest("stock", "1", "inprocess", {}, "sha256:0", capabilities, **more)


@pytest.mark.proves("P40", "MM-4", "MM-5")
@given(
    declared=st.lists(wanted, max_size=3).map(tuple),
    used=st.lists(needs, max_size=3, unique=True),
    policy=st.none() | st.lists(st.sampled_from(["a", "b"]), unique=True),
)
def test_p40_a_module_is_refused_if_it_needs_what_it_does_not_get(
    declared: tuple[Grant, ...], used: list[Need], policy: list[str] | None
) -> None:
    """Seen to fail with a refusal for what the module can do without."""
    allowed = None if policy is None else [grant("secret.read", *policy)]
    verdict = check(manifest(declared), allowed, used)

    denied = [
        each for each in declared
        if each.kind != "secret.read" or (policy is not None and not {*each.patterns} <= {*policy})
    ]  # fmt: skip
    reached = {p for each in declared if each.kind == "secret.read" for p in each.patterns}
    missing = [need for need in used if need.argument not in reached]
    reasons = sum(each.required for each in denied) + len(missing)
    event(f"valid: {reasons == 0}")

    assert list(verdict.denied) == denied
    assert list(verdict.granted) == [each for each in declared if each not in denied]
    assert list(verdict.missing) == missing
    assert (verdict.valid, len(verdict.errors)) == (reasons == 0, reasons)


@pytest.mark.proves("P40", "MM-5")
def test_all_reasons_are_told_at_once() -> None:
    verdict = check(
        manifest((grant("moon.fly", "x"), grant("net.listen", "x"), grant("fs.read", "data"))),
        None,
        [Need("secret.read", "token")],
    )

    assert verdict.errors == (
        "there is no capability 'moon.fly'",
        "net.listen is not handed out by this version",
        "fs.read: 'data' is no absolute path",
        "it uses secret.read of 'token', undeclared",
    )
    assert PROVIDED < KINDS


# --- manifests as data ---

entries = st.builds(
    MethodEntry,
    timeout_s=st.floats(0.1, 10),
    idempotent=st.booleans(),
    write_ahead=st.booleans(),
    attempts=st.integers(1, 9),
)
manifests = st.builds(
    ModuleManifest,
    st.sampled_from(["stock", "a"]),
    st.text(max_size=4),
    st.sampled_from(["inprocess", "subprocess"]),
    st.dictionaries(st.sampled_from(["x", "y"]), entries),
    st.text(max_size=4),
    st.lists(wanted, max_size=2).map(tuple),
    st.builds(Resources, workers=st.integers(1, 3), cpu_s=st.none() | st.integers(1, 9)),
    st.booleans(),
    st.lists(st.sampled_from(["b", "c"])).map(tuple),
)


@pytest.mark.proves("P39", "MM-1")
@given(one=manifests, other=manifests)
def test_p39_a_manifest_comes_back_equal_and_only_equal_ones_share_a_digest(
    one: ModuleManifest, other: ModuleManifest
) -> None:
    text = module_to_json(one)

    assert module_from_json(text) == one
    assert module_from_json(text).digest == one.digest
    assert (one.digest == other.digest) == (one == other)


@pytest.mark.proves("MM-1")
def test_a_manifest_with_what_is_unknown_is_none() -> None:
    text = module_to_json(manifest()).replace(b'"name"', b'"nmae":1,"name"')

    for bad in (text, b"{}", b"[", b'"x"'):
        with pytest.raises(ModuleManifestError, match="no manifest of a module"):
            module_from_json(bad)


# --- the order of starts ---

graphs = st.dictionaries(
    st.sampled_from("abcd"), st.lists(st.sampled_from("abcde"), max_size=2, unique=True), max_size=4
)


@pytest.mark.proves("MM-8", "MO-2")
@given(depends_on=graphs)
def test_modules_start_after_what_they_depend_on_or_all_faults_are_told(
    depends_on: dict[str, list[str]],
) -> None:
    def reaches(name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        nearer = {n for n in depends_on.get(name, ()) if n not in seen}
        return nearer.union(*(reaches(n, seen | nearer) for n in nearer))

    missing = {n for others in depends_on.values() for n in others if n not in depends_on}
    circles = {name for name in depends_on if name in reaches(name)}
    event(f"fine: {not missing and not circles}")
    if missing or circles:
        with pytest.raises(DependencyError) as caught:
            start_order(depends_on)
        assert all(repr(name) in caught.value.problem for name in missing)
        assert not circles or ", ".join(sorted(circles)) in caught.value.problem
        return
    order = start_order(depends_on)

    assert sorted(order) == sorted(depends_on)
    assert all(order.index(n) < order.index(m) for m, others in depends_on.items() for n in others)


@pytest.mark.proves("MM-8")
def test_without_dependencies_the_order_is_that_of_registration() -> None:
    assert start_order({"c": [], "a": ["b"], "b": []}) == ("c", "b", "a")
    with pytest.raises(DependencyError, match="a, b need each other"):
        start_order({"a": ["b"], "b": ["a"], "c": ["a"]})
