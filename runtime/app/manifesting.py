"""Makes the manifest of a version of what was declared and of what its source shows (MG-2)."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from runtime.app.declarations import Declared
from runtime.app.sources import Sources, Written
from runtime.errors import CapabilityError, RegistrationError, UnknownModuleError
from runtime.ingress.bodies import WHOLE_S
from runtime.ingress.endpoints import Takes
from runtime.ingress.shapes import MAX_ITEMS, MAX_MEMBERS
from runtime.lifecycle.handlers import MAX_ANSWER, Hook
from runtime.lifecycle.retrying import as_plain
from runtime.manifests.handler import (
    HandlerManifest,
    HookEntry,
    Needs,
    Policies,
    Source,
    first_paragraph,
    stored_type,
)
from runtime.manifests.needs import Seen, see
from runtime.modules import ModuleRegistry

N = TypeVar("N", int, float)
Hooks = Mapping[str, Sequence[Hook]]
"""Of the app, by kind, as registered."""


def run_order(declared: Declared, hooks: Hooks) -> list[Hook]:
    """Give the hooks of a version as they run: before, then after and catch in reverse."""
    before = [*hooks["before"], *declared.before]
    after = [*hooks["after"], *declared.after]
    catch = [*hooks["catch"], *declared.catch]
    return [*before, *reversed(after), *reversed(catch)]


def manifest_of(declared: Declared, hooks: Hooks, sources: Sources) -> HandlerManifest:
    """Make the manifest of one version.

    Args:
        declared: the version.
        hooks: of the app.
        sources: reads what functions are written as.
    """
    ordered = run_order(declared, hooks)
    written = [sources.reached(call) for call in _calls(declared, ordered)]
    own = written[0][0]
    contract = declared.contract
    method, _, path = declared.template.text.partition(" ")
    return HandlerManifest(
        handler=declared.handler,
        method=method,
        path=path,
        version=declared.edition,
        takes=contract.takes.value,
        policies=Policies(
            declared.timeout_s,
            declared.max_body,
            "cancel" if declared.cancel_on_disconnect else "finish",
            "required" if declared.rules.access.needs_principal else "",
            declared.rules.access.roles,
            declared.rules.access.scopes,
            tuple(limit.text for limit in declared.rules.limits),
            declared.rules.idempotency,
            declared.rules.max_concurrency,
            declared.run,
            max_members=_unless(declared.rules.max_members, MAX_MEMBERS),
            max_items=_unless(declared.rules.max_items, MAX_ITEMS),
            body_timeout_s=_unless(declared.rules.body_timeout_s, WHOLE_S),
            decompress=declared.rules.decompress,
            max_answer=_unless(declared.rules.max_answer, MAX_ANSWER),
        ),
        source=_source(own, written),
        params=tuple((n, kind.name) for n, kind in declared.template.parameters.items()),
        query=None if contract.query_type is None else stored_type(contract.query_type),
        body=None if contract.body_type is None else stored_type(contract.body_type),
        answers=_answers(declared),
        media=contract.media,
        hooks=tuple(
            HookEntry(h.kind, h.level, h.id, place(sources.written(h.call.callable)), h.timeout_s,
                      h.retries, as_plain(h.backoff))
            for h in ordered
        ),
        needs=_needs(declared, [each for group in written for each in group]),
        sensitive=contract.sensitive,
        doc=first_paragraph(getattr(declared.call.callable, "__doc__", None)),
        promises=declared.promises,
    )  # fmt: skip


def _unless(given: N, default: N) -> N | None:
    """Leave out what is as it always is: the manifests of older versions have none of it."""
    return None if given == default else given


def place(written: Written) -> str:
    """Say where a function is written: `file:line`."""
    return f"{written.file}:{written.line}"


def _calls(declared: Declared, hooks: Sequence[Hook]) -> list[Any]:
    return [declared.call.callable, *(hook.call.callable for hook in hooks)]


def _source(own: Written, written: Sequence[Sequence[Written]]) -> Source:
    digest = hashlib.sha256()
    for group in written:
        digest.update(b"\0call\0")
        for each in group:
            digest.update(each.form.encode() + b"\0")
    return Source(
        file=own.file,
        line=own.line,
        fingerprint=f"sha256:{digest.hexdigest()}",
        by="bytecode"
        if any(each.tree is None for group in written for each in group)
        else "syntax",
    )


def _answers(declared: Declared) -> tuple[Any, ...]:
    answer = declared.contract.answer_type
    promised = None if declared.promises is None else declared.promises.status
    status = promised or (204 if declared.contract.empty else 200)
    return ((status, None if answer is None else stored_type(answer)),)


def _seen(written: Sequence[Written]) -> tuple[Seen, tuple[str, ...]]:
    """Give what all functions show, and the places where they do not."""
    known = [each.name.rpartition(".")[2] for each in written if "gctx" in each.parameters]
    each_seen = [(each, see([each.tree], known)) for each in written if each.tree is not None]
    modules = {name for _, seen in each_seen for name in seen.modules}
    secrets = {name for _, seen in each_seen for name in seen.secrets}
    topics = {name for _, seen in each_seen for name in seen.topics}
    dynamic = {f"{each.file}:{line}" for each, seen in each_seen for line in seen.dynamic}
    whole = Seen(tuple(sorted(modules)), tuple(sorted(secrets)), tuple(sorted(topics)))
    return whole, tuple(sorted(dynamic))


def _needs(declared: Declared, written: Sequence[Written]) -> Needs:
    seen, dynamic = _seen(written)
    named = declared.modules
    return Needs(
        modules=tuple(sorted({*seen.modules, *named})) if named is not None else seen.modules,
        declared=named is not None,
        dynamic=dynamic,
        secrets=tuple(sorted({*seen.secrets, *(declared.secrets or ())})),
        topics=tuple(sorted({*seen.topics, *(declared.publishes or ())})),
        schema=declared.schema,
    )


def check_modules(names: object) -> tuple[str, ...] | None:
    """Read `modules=`: names of modules, or of methods as `module.method`.

    Raises:
        RegistrationError: one is neither.
    """
    if names is None:
        return None
    found: set[str] = set()
    listed: list[Any] = [names]
    if isinstance(names, list | tuple | set | frozenset):
        listed = list(names)
    for name in listed:
        parts = name.split(".") if isinstance(name, str) else [""]
        if len(parts) > 2 or not all(part.isidentifier() for part in parts):
            raise RegistrationError(
                problem=f"modules={name!r} names no module.",
                remedy='Write modules=["stock", "pricing.quote"].',
            )
        found.add(name if len(parts) == 2 else f"{name}.*")
    return tuple(sorted(found))


def is_allowed(method: str, names: frozenset[str] | tuple[str, ...]) -> bool:
    """Say whether `stock.left` is among *names*, or all of `stock.*`."""
    return method in names or f"{method.partition('.')[0]}.*" in names


def seen_by(declared: Declared, sources: Sources) -> tuple[Seen, tuple[str, ...]]:
    """Give what a handler and its own hooks are seen to use, and where that is not seen."""
    hooks = [*declared.before, *declared.after, *declared.catch]
    return _seen([w for call in _calls(declared, hooks) for w in sources.reached(call)])


def refuse_undeclared(declared: Declared, sources: Sources) -> list[str]:
    """Compare what is declared with what the source shows; say what is declared and unseen.

    Raises:
        CapabilityError: the source shows what is not declared.
    """
    if declared.modules is None:
        return []
    seen, dynamic = seen_by(declared, sources)
    named = declared.modules
    more = [name for name in seen.modules if not is_allowed(name, named)]
    if more:
        raise CapabilityError(
            problem=f"{declared.template.text} ({declared.place}) uses {', '.join(more)}, "
            "which its modules= does not name.",
            remedy="Name them, or leave modules= out.",
        )
    if dynamic:
        return []
    used = {*seen.modules, *(f"{name.partition('.')[0]}.*" for name in seen.modules)}
    return [f"modules= names {name}, which nothing uses." for name in named if name not in used]


def findings_of(declared: Declared, hooks: Sequence[Hook], sources: Sources) -> list[str]:
    """Say what in a handler and its hooks would not happen again, with place and remedy."""
    told: dict[str, None] = {}
    for call in _calls(declared, hooks):
        for written in sources.reached(call):
            for each in written.findings:
                told[f"{written.file}:{each.line}: {each.what}. {each.remedy}"] = None
    for field, factory in declared.contract.factories.items():
        # Run again, a request without the field would be given another value (GT-4).
        for at, found in sources.findings(factory):
            where = f" ({at})" if at else ""
            told[f"The default of {field}: {found.what}{where}. {found.remedy}"] = None
    return list(told)


def untyped_in(declared: Declared) -> list[str]:
    """Say which of body and answer are recorded without a declared type, with the remedy."""
    contract = declared.contract
    if not declared.rules.record_untyped:
        return []
    body = contract.takes is Takes.JSON and contract.body_type is None
    is_json = contract.media == "application/json"
    answer = contract.answer_type is None and is_json and not contract.empty
    parts = {"The body": (body, "req: Request[Order]"), "The answer": (answer, "-> Receipt")}
    return [
        f"{declared.place}: {part} has no declared type: it is recorded as it is, whatever it "
        f"holds, and clients learn nothing of it. Write {hint}, with a type of yours."
        for part, (is_untyped, hint) in parts.items()
        if is_untyped
    ]


def refuse_unknown(declared: Sequence[Declared], modules: ModuleRegistry) -> None:
    """Refuse handlers that declare what is not registered.

    Raises:
        UnknownModuleError: lists all of it.
    """
    known = {n: set(modules.methods(n)) for n in modules.names()}
    unknown = []
    for version in declared:
        for name in version.modules or ():
            module, _, method = name.partition(".")
            if module not in known or (method != "*" and method not in known[module]):
                unknown.append(f"{name.removesuffix('.*')} ({version.place})")
    if unknown:
        raise UnknownModuleError(
            problem=f"Handlers name modules that are not there: {', '.join(unknown)}.",
            remedy=f"Register them with app.module(). There are: {', '.join(known) or 'none'}.",
        )
