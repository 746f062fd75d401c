"""All versions of a route, and the transformers between them, are held to their word (CT-2).

It needs Hypothesis.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runtime.app import App
from runtime.app.declarations import Declared
from runtime.app.transformers import THERE_AND_BACK, Transformer, by_handler
from runtime.errors import TransformerError, VersionNotFound
from runtime.gtype import GType, gtype
from runtime.lifecycle.requests import by_name
from runtime.manifests import HandlerManifest
from runtime.manifests.promises import NONE
from runtime.messages import Parts, Received, ValidationFailed
from runtime.secrets import Provider
from runtime.testing.contracts import check_handler, spelt
from runtime.testing.strategies import Drawn, Overrides, requests, values

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
Asked = tuple[Parts, Mapping[str, str]]
"""A request as a transformer gets it, and the parameters of its path."""


def check_versions(
    app: App,
    route: str,
    *,
    modules: Mapping[str, object] | None = None,
    secrets: Mapping[str, str] | Provider | None = None,
    overrides: Overrides | None = None,
    examples: int = 100,
) -> None:
    """Hold every version of a route to its manifest, and every transformer between them.

    Each version takes what it says it takes, through the transformers that serve its callers.
    A function of a transformer is given what is valid for the version it comes from: it fails
    for none of it, gives the same twice, and gives what is valid for the version it goes to.
    Where it says `lossless=True`, what goes up and down again is what it was. Each function
    works on a copy of its own, so it cannot alter what it was given.

    Args:
        app: not started.
        route: `POST /orders`, as declared.
        modules: doubles in place of the app's modules.
        secrets: that there are; None: none.
        overrides: values for checks in code, by the code of their issues.
        examples: drawn of each kind.

    Raises:
        AssertionError: one does not; says which, between which versions, and with what.
        TransformerError: one joins version ids, which only a store knows.
        VersionNotFound: the app has no such route.
        UnsupportedTypeError: a check in code has no override.
    """
    check_transformers(app, route, overrides=overrides, examples=examples)
    for edition in _versions(app, route):
        check_handler(
            app, route, version=edition, modules=modules, secrets=secrets, overrides=overrides,
            examples=examples,
        )  # fmt: skip


def check_transformers(
    app: App, route: str, *, overrides: Overrides | None = None, examples: int = 100
) -> None:
    """Hold the transformers between the versions of a route; see `check_versions`."""
    versions = _versions(app, route)
    first = next(iter(versions.values()))
    for each in by_handler(app.parts.transformers, app.handlers).get(first.handler, ()):
        older, newer = (_version(versions, each, name) for name in (each.older, each.newer))
        with asyncio.Runner() as runner:
            _Joined(each, older, newer, overrides, examples, runner).check()


def _versions(app: App, route: str) -> Mapping[str | None, Declared]:
    versions = {d.edition: d for d in app.handlers if d.template.text == route}
    if not versions:
        problem = f"There is no handler of {route!r}."
        raise VersionNotFound(problem, "`timescape manifest` lists them.")
    return versions


def _version(versions: Mapping[str | None, Declared], of: Transformer, name: str) -> Declared:
    if (name or None) not in versions:
        raise TransformerError(
            problem=f"The transformer at {of.place} joins {name}, which the app does not name.",
            remedy="Join editions: ids are known to a store only.",
        )
    return versions[name or None]


class _Joined:
    """A transformer with the two versions it joins."""

    def __init__(
        self,
        transformer: Transformer,
        older: Declared,
        newer: Declared,
        overrides: Overrides | None,
        examples: int,
        runner: asyncio.Runner,
    ) -> None:
        self._runner = runner
        self._of = transformer
        self._versions = older, newer
        self._overrides = overrides
        self._quiet = settings(
            max_examples=examples, deadline=None, database=None,
            # A witness says enough: which lines it ran is told of code that is not the user's.
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )  # fmt: skip

    def check(self) -> None:
        """Hold each function it has to the laws."""
        older, newer = self._versions
        for name in self._of.functions:
            source, target = (older, newer) if name.endswith("_up") else (newer, older)
            check = self._request if name.startswith("request") else self._answer
            check(name, source, target)

    def _request(self, name: str, source: Declared, target: Declared) -> None:
        manifest = _manifest(source)

        @self._quiet
        @given(requests(manifest, self._overrides))
        def law(drawn: Drawn) -> None:
            received = _received(manifest, drawn)
            before = _parts(received)
            gave = self._called(name, before)
            carried = msgspec.structs.replace(
                received, query=tuple(_pairs(gave.query)), body=_bytes(gave.body),
                headers=tuple(_pairs(gave.headers)),
            )  # fmt: skip
            self._held(name, before, gave, lambda: target.contract.parse(carried))

        law()

    def _answer(self, name: str, source: Declared, target: Declared) -> None:
        @self._quiet
        @given(_answers(_manifest(source), self._overrides))
        def law(before: Parts) -> None:
            gave = self._called(name, before)
            self._held(name, before, gave, lambda: target.contract.render(gave.body))

        law()

    def _called(self, name: str, before: Parts) -> Parts:
        """Call a function twice, each time with a copy, as the runtime does."""
        try:
            gave, again = (self._once(name, before) for _ in range(2))
        except Exception as error:
            raise AssertionError(self._told(name, before, f"raised {error!r}")) from error
        assert isinstance(gave, Parts), self._told(name, before, f"gave {gave!r}")  # noqa: S101
        assert gave == again, self._told(name, before, "gave another thing the second time")  # noqa: S101
        return gave

    def _once(self, name: str, parts: Parts) -> Any:
        function = self._of.functions[name]
        body = parts.body if isinstance(parts.body, bytes) else _decode(_encode(parts.body))
        copy = Parts(dict(parts.query), body, parts.status, dict(parts.headers))
        given_back = function({"parts": copy})
        return self._runner.run(_awaited(given_back)) if function.is_async else given_back

    def _held(self, name: str, before: Parts, gave: Parts, lands: Callable[[], object]) -> None:
        try:
            lands()
        except ValidationFailed as refused:
            told = f"gave what its target refuses: {refused.issues[0].message} Given: {gave!r:.500}"
            raise AssertionError(self._told(name, before, told)) from refused
        pair = next(((up, down) for up, down in THERE_AND_BACK if up == name), None)
        if self._of.lossless and pair is not None and pair[1] in self._of.functions:
            back = self._called(pair[1], gave)
            assert back == before, self._told(  # noqa: S101
                name, before, f"is not lossless: {pair[1]} gave {back!r:.500}"
            )

    def _told(self, name: str, before: Parts, what: str) -> str:
        older, newer = (each or "no edition" for each in (self._of.older, self._of.newer))
        function = self._of.functions[name].name
        return f"{name} ({function}) of {older} and {newer} {what}\nof {before!r:.500}"


async def _awaited(work: Any) -> Any:
    return await work


def _manifest(version: Declared) -> HandlerManifest:
    assert version.manifest is not None  # noqa: S101 - `App.handlers` gives it
    return version.manifest


def _received(manifest: HandlerManifest, drawn: Drawn) -> Received:
    query = {name: spelt(value) for name, value in drawn.query.items() if value is not None}
    return Received(
        stream=None,
        method=manifest.method,
        path=manifest.path,
        received_us=0,
        params={name: str(value) for name, value in drawn.params.items()},
        query=tuple(_pairs({name: _texts(value) for name, value in query.items()})),
        headers=tuple((name, "1") for name in (manifest.promises or NONE).needs),
        body=_encode(drawn.body) if drawn.has_body else b"",
    )


def _texts(value: Any) -> Any:
    return [str(each) for each in value] if isinstance(value, list) else str(value)


def _parts(received: Received) -> Parts:
    body = _decode(received.body) if received.body else None
    return Parts(dict(by_name(received.query)), body, headers=dict(received.headers))


def _pairs(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, each)
        for name, value in query.items()
        for each in (value if isinstance(value, list) else [value])
    ]


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else b"" if body is None else _encode(body)


def _answers(manifest: HandlerManifest, overrides: Overrides | None) -> st.SearchStrategy[Parts]:
    """Draw answers of success."""
    status, stored = manifest.answers[0]
    if stored is None and status == 204:
        return st.just(Parts(status=status))
    made = gtype(Any) if stored is None else GType(stored.root, stored.objects)
    return values(made, overrides).map(lambda body: Parts(body=body, status=status))
