"""What processes tell of themselves counts as long as they live."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.facts import Fact
from runtime.gate_facts import GateArmed, GateDisarmed
from runtime.health_facts import VersionHealthChanged
from runtime.node_facts import NodeAnnounced
from runtime.team import Team
from tests.routes import history

NODES = ("a", "b", "c")
nodes = st.sampled_from(NODES)
names = st.sampled_from(["v1", "v2", "v3"])
serves = st.builds(
    lambda node, code: (node, NodeAnnounced(tuple(sorted(code)))), nodes, st.frozensets(names)
)
healths = st.builds(
    lambda node, version, to: (version, VersionHealthChanged("healthy", to, instance=node)),
    nodes, names, st.sampled_from(["healthy", "degraded", "unhealthy"]),
)  # fmt: skip
armings = st.builds(lambda node, gate: (gate, GateArmed("ann", {}, node=node)), nodes, names)
disarmings = st.builds(lambda gate: (gate, GateDisarmed("ann", "disarmed")), names)
told = st.lists(serves | healths | armings | disarmings, max_size=12)


@pytest.mark.proves("SO-5", "PL-1", "GA-10")
@given(said=told, living=st.frozensets(nodes), me=nodes)
def test_the_last_word_of_each_living_process_counts(
    said: list[tuple[str, Fact]], living: frozenset[str], me: str
) -> None:
    team = Team()
    for event in history(*said):
        assert team.add(event)
    team.forget(living)

    code: dict[str, tuple[str, ...]] = {}
    health: dict[tuple[str, str], str] = {}
    gates: dict[str, str] = {}
    for key, fact in said:
        match fact:
            case NodeAnnounced(versions=versions):
                code[key] = versions
            case VersionHealthChanged(instance=node, to=to):
                health[node, key] = to
            case GateArmed(node=node):
                gates[key] = node
            case _:
                gates.pop(key, None)
    others = living - {me}
    assert team.code(but=me) == {v for node in others for v in code.get(node, ())}
    assert team.unhealthy(but=me) == {
        version for (node, version), to in health.items() if node in others and to == "unhealthy"
    }
    assert set(team.gates(but=me)) == {name for name, node in gates.items() if node in others}


@pytest.mark.proves("SO-5")
def test_a_process_that_ended_is_forgotten_with_all_it_said() -> None:
    team = Team()
    bad = VersionHealthChanged("healthy", "unhealthy", instance="a")
    for event in history(("a", NodeAnnounced(("v1",))), ("v1", bad)):
        team.add(event)
    assert [*team.code(but="b"), *team.unhealthy(but="b")] == ["v1", "v1"]
    team.forget({"b"})
    assert [*team.code(but="b"), *team.unhealthy(but="b")] == []
