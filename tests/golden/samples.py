"""One event of each type, with every field filled: what the corpus is made from.

Once its file is made, a sample may change freely: the file is what holds.
"""

from typing import Any

import msgspec

from eventstore import NewEvent
from eventstore.names import HELD, REGISTERED, RESET
from runtime import (
    care_facts,
    control_facts,
    facts,
    gate_facts,
    health_facts,
    ingress_facts,
    module_facts,
    node_facts,
    policy_facts,
    problem_facts,
    queue_facts,
    relay_facts,
    schema_facts,
    service_facts,
    transform_facts,
    undo_facts,
    version_facts,
)
from runtime.facts import Change, Failure, Issue

AT_US = 1_790_856_181_000_123
SITE = "shop/orders.py:31"
FAILURE = Failure("KeyError", "out-of-stock", "No atlas is left.", ("orders.py:9", "tax.py:38"))
PATCH = (
    Change("splice", ("items", 1), [{"sku": "té\n"}], 1),
    Change("add", ("net",), {"$decimal": "1.10"}),
    Change("remove", ("a/b~",)),
)
MONEY = {"$decimal": "46.02"}
AWKWARD = {
    "text": {"$str": "YQBi7aCA"},
    "n": [1, -0.0, 1e300, 2**53, None, True],
    "o": {"$dict": [[1, 2]]},
}

_MESSAGE = f"{'01' * 16}@7"

_FACTS: tuple[tuple[facts.Fact, str | None], ...] = (
    (
        facts.RequestReceived(
            "POST",
            "POST /orders/{order_id:int}",
            "post-orders-order_id",
            "/orders/7%C3%A9",
            "0f" * 16,
            query=(("q", "a\0"), ("q", "é")),
            headers=(("content-type", "application/json"),),
            params={"order_id": "7"},
            body={"items": [MONEY], "card": {"$redacted": True}},
            body_size=41,
            body_digest="ab" * 32,
            body_text="\\xff",
            client="127.0.0.1:5000",
            trace_id="4b" * 16,
            span_id="00f0" * 4,
            parent_span_id="11e1" * 4,
            correlation_id="c-1",
            timeout_s=2.5,
            config="9c1e",
            parent="req-" + "0" * 32,
            priority=7,
            flags=("beta", "new-prices"),
            selectors=(("query v", "2026-10-01"),),
            scheme="https",
            host="shop.example",
            node="0a1b2c3d4e5f",
            withheld=("cookie", "x-tenant"),
            prefix="ord",
        ),
        "POST /orders/{order_id:int}",
    ),
    (
        facts.PrincipalEstablished(
            "user",
            ("customer", "vip"),
            "https://id.example",
            ("orders:read",),
            "acme",
            "jti-1",
            1.79e9,
            1.8e9,
            9,
        ),
        "ann",
    ),
    (
        facts.VersionResolved(
            "2026-10-01",
            "query",
            "stable",
            "tag-not-found",
            table=7,
            bucket=9_999,
            contract="tsv:1789-post-001",
            chain=("sha256:" + "ab" * 32,),
        ),
        "tsv:1790-post-001",
    ),
    (facts.PhaseChanged(), "validated"),
    (
        facts.ValidationFailed(
            (Issue("/items/0/n", "maximum", "<= 100", "int", "too many"),), truncated=True
        ),
        "request",
    ),
    (facts.HookRegistered("after", "route"), "shop.keep"),
    (facts.HookStarted("before", "global", 2), "shop.note"),
    (facts.HookEnded("before"), "shop.note"),
    (facts.HookFailed("catch", FAILURE, 2, 3, will_retry=True, wait_s=0.25), "shop.note"),
    (facts.HandlerStarted(), "post-orders-order_id"),
    (facts.HandlerEnded(), "post-orders-order_id"),
    (facts.HandlerFailed(FAILURE), "post-orders-order_id"),
    (facts.ListenerFailed("phase", FAILURE), "shop.listener"),
    (facts.CapabilityDenied("stock", "module.call", "left", "req-" + "0" * 32), "stock.left"),
    (facts.ContextSet(AWKWARD), "cart"),
    (
        facts.ContextEdited(
            PATCH, created=True, default=[], origin="gate", gate="gate-1a2b3c4d", by="ann"
        ),
        "items",
    ),
    (facts.ContextDeleted("fork"), "note"),
    (facts.ContextCleaned(), None),
    (facts.ContextSnapshotted(), "priced"),
    (facts.ContextRestored(17, PATCH, "fork", "bob", "before the wrong total"), "priced"),
    (
        facts.EffectRequested(1, "module", ["mug", {"$tuple": [1, MONEY]}], live=True),
        "pricing.quote",
    ),
    (facts.EffectReturned(1, {"net": MONEY}, 2), "pricing.quote"),
    (facts.EffectFailed(2, FAILURE, 3), "pricing.quote"),
    (facts.EventPublished({"order": 7}), "orders"),
    (
        facts.CompensationRegistered(
            "stock.release", [7], module=True, retries=2, backoff=(0.1, 2.0, 5.0)
        ),
        "c1",
    ),
    (undo_facts.CompensationRetried(FAILURE, 2, 3, 0.25), "c1"),
    (facts.CompensationRan(), "c1"),
    (facts.CompensationFailed(FAILURE, "timeout"), "c1"),
    (facts.CompensationCancelled(), "c1"),
    (facts.CleanupRan(), "u1"),
    (facts.CleanupFailed(FAILURE), "u1"),
    (facts.RequestTimedOut(2.5), None),
    (facts.RequestAborted(), "crash"),
    (
        facts.ResponseSent(
            409,
            "out-of-stock",
            (("retry-after", "3"),),
            {"detail": "No atlas"},
            24,
            delivered=False,
        ),
        "409",
    ),
    (
        version_facts.HandlerDeployed(
            "post-orders",
            "POST /orders",
            "2026-10-01",
            "cd" * 32,
            contract="cd" * 32,
            manifest="cd" * 32,
            effective_us=AT_US,
            activation="edition",
            tags=("beta", "stable"),
            run="own",
            diff=(
                version_facts.Compared(
                    "tsv:1790-post-orders-001",
                    "tsv:1790856181-post-orders-001",
                    request=("BR-11",),
                    response=("BR-5",),
                    risky=("BR-45",),
                    summary="2 breaking, 1 risky",
                    digest="sha256:" + "ab" * 32,
                    request_back=("BR-12",),
                    response_back=("BR-11",),
                ),
            ),
            declares={"handler": "post-orders", "body": {"gtype": 1, "root": {"kind": "int"}}},
            schema="orders@2",
            by="ann",
        ),
        "tsv:1790856181-post-orders-001",
    ),
    (
        version_facts.VersionTagged("stable", "tsv:1790-post-orders-001", "ann"),
        "tsv:1790-post-orders-002",
    ),
    (version_facts.VersionUntagged("stable", "ann"), "tsv:1790-post-orders-002"),
    (
        version_facts.VersionDeactivated("low-use", "CVE-1", "ann", 3, 604_800),
        "tsv:1790-post-orders-001",
    ),
    (version_facts.VersionReactivated("ann"), "tsv:1790-post-orders-001"),
    (
        version_facts.VersionDeprecated(AT_US, "https://shop.example/ends", "ann"),
        "tsv:1790-post-orders-001",
    ),
    (schema_facts.SchemaStarted(("r2", "r3"), down=True, by="ann"), "orders@2"),
    (schema_facts.SchemaApplied("ann"), "orders@2"),
    (schema_facts.SchemaFailed("r3", ("r2",), ("r1",), FAILURE, "ann"), "orders@2"),
    (schema_facts.SchemaRolledBack("ann"), "orders@2"),
    (
        care_facts.VersionPinned("tenant", "acme", "2026-03-01", "stable", "ann"),
        "post-orders",
    ),
    (care_facts.VersionUnpinned("tenant", "acme", "ann"), "*"),
    (
        care_facts.PolicyChanged(
            50, 86_400, 5, ("get-cart",), (("tsv:1790-post-orders-001", "keep"),), "ann"
        ),
        "retirement",
    ),
    (
        health_facts.VersionHealthChanged("degraded", "unhealthy", 31, 17, "answers", "5a17c0de"),
        "tsv:1790-post-orders-002",
    ),
    (
        problem_facts.ProblemUndeclared("cart-locked", 423, "req-" + "0" * 32),
        "tsv:1790-post-orders-002",
    ),
    (
        version_facts.TrafficSplitChanged(
            (("tsv:1790-post-orders-001", 9_500), ("tsv:1790-post-orders-002", 500)), "5a17", "ann"
        ),
        "post-orders",
    ),
    (
        queue_facts.MessagePublished(
            {"n": 1, "at": [None, 1.5]},
            "ann",
            9,
            2.5,
            always=True,
            durable=False,
            reply_to=queue_facts.Asker(
                "req-" + "5" * 32,
                3,
                "post-orders",
                "tsv:1790-post-orders-001",
                f"00-{'a' * 32}-{'b' * 16}-01",
            ),
        ),
        "orders.placed",
    ),
    (queue_facts.MessageAcknowledged("mailer", (_MESSAGE, _MESSAGE)), _MESSAGE),
    (
        queue_facts.MessageFailed(
            "mailer",
            2,
            will_retry=True,
            reason="handler-error",
            error="KeyError",
            message="No.",
            counted=False,
        ),
        _MESSAGE,
    ),
    (queue_facts.MessageClaimed(((_MESSAGE, 1), (_MESSAGE, 2)), "0a1b2c3d4e5f"), "mailer"),
    (queue_facts.MessageExpired((_MESSAGE,)), "mailer"),
    (
        queue_facts.MessageDeadLettered("orders.placed", "mailer", 3, "crash", "KeyError", "No."),
        _MESSAGE,
    ),
    (queue_facts.MessageRetried("mailer", "ann"), _MESSAGE),
    (queue_facts.MessageDropped("mailer", "ann"), _MESSAGE),
    (
        relay_facts.MessageArrived(
            {"order": 7},
            _MESSAGE,
            1_790_000_000_000_000,
            "ann",
            9,
            2.5,
            "req-0",
            "post-orders",
            "tsv:1790000000-post-orders-001",
            f"00-{'a' * 32}-{'b' * 16}-01",
        ),
        "orders.placed",
    ),
    (relay_facts.RelayAdvanced(1_042), "nats"),
    (gate_facts.GatesOpened("http://127.0.0.1:9090", "0a1b2c3d4e5f"), "shop"),
    (
        gate_facts.GateArmed(
            "ann",
            {"hook": "tax"},
            when="state.total > 400",
            hold=30.0,
            cap=2,
            note=True,
            node="0a1b2c3d4e5f",
        ),
        "gate-1a2b3c4d",
    ),
    (node_facts.NodeAnnounced(("tsv:1790000000-post-orders-001",)), "0a1b2c3d4e5f"),
    (gate_facts.GateDisarmed("ann", "owner-lost"), "gate-1a2b3c4d"),
    (gate_facts.GateHit("hook.started shop.tax", paused=False, reason="cap"), "gate-1a2b3c4d"),
    (
        gate_facts.GateReleased(9, "forked", "ann", 12.5, fork="req-1"),
        "gate-1a2b3c4d",
    ),
    (queue_facts.SubscriptionOpened("orders.*"), "mailer"),
    (queue_facts.SubscriptionClosed("ann"), "mailer"),
    (queue_facts.SubscriptionPaused("ann"), "mailer"),
    (queue_facts.SubscriptionResumed("ann"), "mailer"),
    (queue_facts.SubscriptionAdvanced(1_042, 9, 6, 2, 1, 3), "mailer"),
    (
        module_facts.ModuleRegistered(
            ("quote", "release"),
            "1.4.0",
            2,
            "sha256:" + "0a" * 32,
            {"name": "pricing", "methods": {"quote": {}}},
            (("secret.read", "stock_token"),),
            (("net.connect", "*.example.com:443"),),
        ),
        "pricing",
    ),
    (module_facts.ModuleStarted(2, 3, ("RLIMIT_AS=536870912",)), "pricing"),
    (module_facts.ModuleStopped(killed=True, generation=2), "pricing"),
    (module_facts.ModuleFailed("crash", 3, "SIGKILL", ("té\n", "MemoryError"), 2), "pricing"),
    (module_facts.ModuleRestarted(2, 3, "health"), "pricing"),
    (module_facts.ModuleResized(4, 3, "busy", 2), "pricing"),
    (module_facts.CapabilityGranted("secret.read", "stock.*", "ann"), "pricing"),
    (module_facts.CapabilityRevoked("secret.read", "stock.*", "ann"), "pricing"),
    (module_facts.CapabilityUsed((("secret.read", "stock.*", 7),)), "pricing"),
    (
        transform_facts.TransformerRegistered(
            "2026-03-01",
            "2026-10-01",
            "sha256:" + "ab" * 32,
            ("request_up", "response_down"),
            "sha256:" + "cd" * 32,
        ),
        "post-orders",
    ),
    (
        transform_facts.TransformApplied(
            "tsv:1790-post-orders-001", "request", "sha256:" + "ab" * 32, FAILURE
        ),
        "tsv:1790-post-orders-002",
    ),
    (
        transform_facts.VersionPlaced("transform-failed", "2026-03-01"),
        "tsv:1790-post-orders-001",
    ),
    (
        policy_facts.PolicyDecided(
            ("access", "rate-limit"),
            "limit",
            {"roles": ["customer"], "required": True},
            "user 4 shop ann",
            (policy_facts.Charged("100/minute", 60, AT_US, 7),),
        ),
        "deny",
    ),
    (policy_facts.IdempotencyClaimed("ef" * 32, "0a1b2c3d4e5f"), "req-" + "0a" * 16),
    (policy_facts.IdempotencyReleased("ann", "the order was found"), "req-" + "0a" * 16),
    (service_facts.SecretMasked("context.set"), "stock-token"),
    (service_facts.MaintenanceStopped(clean=True), "shop"),
    (service_facts.MaintenanceResumed("disk-full"), "shop"),
    (
        ingress_facts.WindowsKept(
            (ingress_facts.KeptWindow("get-things", "user 4 shop ann", 60, AT_US, 7),)
        ),
        None,
    ),
    (ingress_facts.RefusalsCounted(981, "post-orders"), "rate-limited"),
    (control_facts.ConfigLoaded({"limits": {"body": 1_000_000}}), "9c1e"),
    (control_facts.ForkNamed("01" * 16, "02" * 16, "ann"), "without tax"),
)

_CURSOR = f"{'01' * 16}.3.1042.{'ab' * 32}"
_OF_THE_LOG: tuple[tuple[str, Any, str | None], ...] = (
    (HELD, {"epoch": 3}, None),
    (REGISTERED, {"names": [[0, 0, "log", 1], [16, 1, HELD, 1], [40, 2, SITE, 1]]}, None),
    (RESET, {"from": _CURSOR, "to": ""}, "reports"),
)


def samples() -> dict[str, NewEvent]:
    """Give an event of each type, by its name."""
    made = [NewEvent(fact.type, fact, key, AT_US, SITE) for fact, key in _FACTS]
    made += [NewEvent(name, data, key, AT_US) for name, data, key in _OF_THE_LOG]
    return {event.type: event for event in made}


def every_field_is_filled(payload: msgspec.Struct) -> bool:
    """Say whether no field of *payload* has its default: a sample should show all of them."""
    defaults = {
        field.name: field.default for field in msgspec.structs.fields(payload) if not field.required
    }
    return all(getattr(payload, name) != default for name, default in defaults.items())
