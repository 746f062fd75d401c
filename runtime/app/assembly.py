"""Puts the running app together: versions with ids, a route table, a controller, an edge."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from eventstore import EventStoreError
from eventstore.values import Classes, Tree, encode, tree_bytes
from runtime.app.declarations import Declared
from runtime.app.guard_rules import guarded
from runtime.app.startup import Deployed
from runtime.app.transformers import Transformer, by_handler
from runtime.gtype import Redactor, hidden_fields
from runtime.gtype.crowds import crowded
from runtime.gtype.named import named_classes
from runtime.ingress import Endpoint, Served
from runtime.ingress.media import Media
from runtime.ingress.rooms import Room
from runtime.ingress.shapes import Shape
from runtime.lifecycle.handlers import HandlerVersion, Joint
from runtime.queue import METHOD
from runtime.routing import Routes


def assemble(
    declared: Sequence[Declared], deployed: Deployed, transformers: Sequence[Transformer] = ()
) -> Routes[Endpoint]:
    """Build the route table of what is deployed and can run."""
    joints = joints_of(transformers, declared)
    by_handler_id: dict[str, dict[str, Served]] = {}
    templates = {}
    for version, version_id in zip(declared, deployed.ids, strict=True):
        if version.template.method == METHOD:
            continue
        templates[version.handler] = (version.template, version.place)
        code = by_handler_id.setdefault(version.handler, {})
        code[str(version_id)] = served(version, str(version_id))
    routes: Routes[Endpoint] = Routes()
    for handler, code in by_handler_id.items():
        template, place = templates[handler]
        endpoint = Endpoint(handler, template.text, code, joints.get(handler, {}))
        routes.add(template, endpoint, place)
    return routes


def served(version: Declared, version_id: str) -> Served:
    """Return a declared version as the edge needs it."""
    shape = _shape(version)
    return Served(
        ready(version, version_id),
        version.contract.takes,
        version.max_body,
        guarded(version.rules),
        version.rules.keys(version.template.method),
        shape,
        None if version.rules.max_concurrency is None else Room(version.rules.max_concurrency),
        version.rules.body_timeout_s,
        Media(shape, version.contract.forms),
        version.rules.decompress,
        version.publishes or (),
    )


def _shape(version: Declared) -> Shape:
    body, rules = version.contract.body_type, version.rules
    return Shape(rules.max_members, rules.max_items, None if body is None else crowded(body))


def joints_of(
    transformers: Sequence[Transformer], declared: Sequence[Declared]
) -> dict[str, Mapping[tuple[str, str], Joint]]:
    """Return the transformers as they run, by handler and by what they join."""
    return {
        handler: {(each.older, each.newer): each.joint() for each in of_it}
        for handler, of_it in by_handler(transformers, declared).items()
    }


def ready(version: Declared, version_id: str) -> HandlerVersion:
    """Return a declared version as the controller runs it, under the id that the log gave it."""
    contract = version.contract
    return HandlerVersion(
        handler=version.handler,
        method=version.template.method,
        route=version.template.text,
        version=version_id,
        edition=version.edition,
        call=version.call,
        parse=contract.parse,
        render=contract.render,
        redact_body=contract.redact_body,
        redact_answer=contract.redact_answer,
        before=version.before,
        after=version.after,
        catch=version.catch,
        timeout_s=version.timeout_s,
        cancel_on_disconnect=version.cancel_on_disconnect,
        media=contract.media,
        modules=None if version.modules is None else frozenset(version.modules),
        secrets=None if version.secrets is None else frozenset(version.secrets),
        publishes=None if version.publishes is None else frozenset(version.publishes),
        hidden_query=contract.hidden_query,
        hides_in_body=isinstance(contract.redact_body, Redactor)
        and bool(contract.redact_body.paths),
        delivers=version.template.method == METHOD,
        max_answer=version.rules.max_answer,
        promises=version.promises,
    )


def subscribing(declared: Sequence[Declared], deployed: Deployed) -> dict[str, HandlerVersion]:
    """Return what runs deliveries, by subscriber."""
    return {
        version.handler: ready(version, str(version_id))
        for version, version_id in zip(declared, deployed.ids, strict=True)
        if version.template.method == METHOD
    }


def classes_of(
    declared: Iterable[Declared], registered: Iterable[type], *, has_keyring: bool = False
) -> Classes:
    """Return the classes that values may be of: registered ones, and those of all contracts.

    Args:
        declared: whose contracts.
        registered: by the user.
        has_keyring: whether what is marked can be hashed and sealed; else it is dropped.

    Raises:
        EventStoreError: `unsupported-class`, for a registered one.
    """
    hiding = partial(hidden_fields, has_keyring=has_keyring)
    classes = Classes(*registered, adopt=True, hiding=hiding)
    for version in declared:
        for hint in version.contract.types:
            for cls in named_classes(hint):
                try:
                    classes.register(cls)
                except EventStoreError:
                    # It may come and go as a body; a context value it cannot be.
                    continue
    return classes


def config_of(config: Mapping[str, Any] | None) -> tuple[str, Tree]:
    """Return the fingerprint of a config and the config as it is recorded.

    Raises:
        EventStoreError: it is not plain data.
    """
    tree = encode(dict(config or {}))
    return hashlib.sha256(tree_bytes(tree)).hexdigest()[:16], tree
