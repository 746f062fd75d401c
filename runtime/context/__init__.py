"""A request's state: the fold of its facts, patches, phases and keys. Pure."""

from eventstore import Kind
from eventstore.codec import Registry
from runtime.care_facts import CARE_FACTS
from runtime.context.diff import diff, diff_values
from runtime.context.fold import REQUEST_REDUCER, Folding
from runtime.context.keys import check_key, check_state_size, check_value_size
from runtime.context.patch import patch
from runtime.context.phases import check_step
from runtime.context.state import (
    Compensation,
    PendingEffect,
    RequestState,
    Span,
    state_bytes,
    state_from_bytes,
)
from runtime.control_facts import CONTROL_FACTS
from runtime.facts import REQUEST_FACTS
from runtime.gate_facts import GATE_CONTROL_FACTS, GATE_FACTS
from runtime.health_facts import HEALTH_FACTS
from runtime.ingress_facts import INGRESS_FACTS
from runtime.module_facts import MODULE_FACTS
from runtime.node_facts import NODE_FACTS
from runtime.policy_facts import KEY_FACTS, POLICY_FACTS
from runtime.problem_facts import PROBLEM_FACTS
from runtime.queue_facts import DELIVERY_FACTS, QUEUE_FACTS
from runtime.relay_facts import RELAY_FACTS
from runtime.schema_facts import SCHEMA_FACTS
from runtime.service_facts import SERVICE_FACTS
from runtime.transform_facts import TRANSFORM_FACTS, TRANSFORMER_FACTS
from runtime.undo_facts import UNDO_FACTS
from runtime.version_facts import VERSION_FACTS

CONTROL = Kind(id=1, name="control", durable=True)
"""What happens to the runtime: deployments, modules, config."""
REQUEST = Kind(id=2, name="request", max_events=50_000, max_bytes=50 << 20)
"""What happens to one request."""
QUEUE = Kind(id=7, name="queue")
"""What happens to one subscriber, to its dead letters, and messages from outside of requests."""
IDEMPOTENCY = Kind(id=9, name="idempotency", durable=True)
"""Who holds one idempotency key."""
WINDOWS = Kind(id=10, name="windows")
"""How the windows of an app's rate limits stand, told every so often."""

VOCABULARY = (
    *REQUEST_FACTS,
    *UNDO_FACTS,
    *VERSION_FACTS,
    *CONTROL_FACTS,
    *HEALTH_FACTS,
    *PROBLEM_FACTS,
    *CARE_FACTS,
    *SCHEMA_FACTS,
    *POLICY_FACTS,
    *KEY_FACTS,
    *SERVICE_FACTS,
    *INGRESS_FACTS,
    *MODULE_FACTS,
    *NODE_FACTS,
    *TRANSFORM_FACTS,
    *TRANSFORMER_FACTS,
    *DELIVERY_FACTS,
    *QUEUE_FACTS,
    *RELAY_FACTS,
    *GATE_FACTS,
    *GATE_CONTROL_FACTS,
)
"""All facts there are."""


def registry() -> Registry:
    """Return a new registry that knows the whole vocabulary."""
    new = Registry(kinds=(CONTROL, REQUEST, QUEUE, IDEMPOTENCY, WINDOWS))
    for fact in VOCABULARY:
        new.register(fact.type, fact)
    return new


__all__ = [
    "CONTROL",
    "IDEMPOTENCY",
    "QUEUE",
    "REQUEST",
    "REQUEST_REDUCER",
    "WINDOWS",
    "Compensation",
    "Folding",
    "PendingEffect",
    "RequestState",
    "Span",
    "check_key",
    "check_state_size",
    "check_step",
    "check_value_size",
    "diff",
    "diff_values",
    "patch",
    "registry",
    "state_bytes",
    "state_from_bytes",
]
