"""A handler is held to its own contract (CT-1). It needs Hypothesis."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, note, settings

from runtime.app import App
from runtime.errors import VersionNotFound
from runtime.gtype import GType, PlainChecker
from runtime.manifests import HandlerManifest
from runtime.manifests.promises import NONE
from runtime.secrets import Provider
from runtime.testing.asking import Asking
from runtime.testing.harness import Asked, Harness
from runtime.testing.results import Result
from runtime.testing.strategies import CANARY, Drawn, Overrides, requests


def check_handler(
    app: App,
    route: str,
    *,
    version: str | None = None,
    modules: Mapping[str, object] | None = None,
    secrets: Mapping[str, str] | Provider | None = None,
    overrides: Overrides | None = None,
    examples: int = 100,
) -> None:
    """Hold a handler to what its manifest says.

    A request that conforms is never answered 500 and above, and an answer of success is of the
    declared type. One whose body is a fault away is answered 400, names a place, and nothing that
    was refused is said back.

    Args:
        app: not started.
        route: `POST /orders`, as declared.
        version: its edition; None: the newest.
        modules: doubles in place of the app's modules.
        secrets: that there are; None: none.
        overrides: values for checks in code, by the code of their issues.
        examples: drawn of each kind.

    Raises:
        AssertionError: it does not; says with which request, as a line for `curl`.
        VersionNotFound: the app has no such route, or not in this version.
        UnsupportedTypeError: a check in code has no override.
    """
    manifest = _manifest(app, route, version)
    quiet = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    with Harness(app, modules=modules, secrets=secrets, replayed=False) as harness:

        @quiet
        @given(requests(manifest, overrides))
        def conforming(drawn: Drawn) -> None:
            _check_answer(manifest, _sent(harness, manifest, drawn))

        @quiet
        @given(requests(manifest, overrides, valid=False))
        def faulty(drawn: Drawn) -> None:
            _check_refusal(_sent(harness, manifest, drawn))

        conforming()
        if manifest.body is not None:
            faulty()


def _manifest(app: App, route: str, version: str | None) -> HandlerManifest:
    known = [each for each in app.manifests if f"{each.method} {each.path}" == route]
    fitting = [each for each in known if version in {None, each.version}]
    if not fitting:
        routes = ", ".join(sorted({f"{each.method} {each.path}" for each in app.manifests}))
        problem = f"There is no handler of {route!r} in version {version or 'any'}."
        raise VersionNotFound(problem, f"Routes: {routes}.")
    return max(fitting, key=lambda each: each.version or "")


def _sent(harness: Asked, manifest: HandlerManifest, drawn: Drawn) -> Result:
    asking = harness.request(manifest.method, manifest.path).with_path(**drawn.params)
    given_query = {name: spelt(value) for name, value in drawn.query.items() if value is not None}
    asking = asking.with_query(**given_query)
    if manifest.version is not None:
        asking = asking.version(manifest.version)
    for name in (manifest.promises or NONE).needs:
        asking = asking.with_header(name, "1")
    if drawn.has_body:
        asking = asking.with_body(drawn.body)
    note(curl(asking))
    return harness.send(asking)


def spelt(value: Any) -> Any:
    """Give a value of a query as it is spelt; of a list each item."""
    if isinstance(value, list):
        return [spelt(each) for each in value]
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value


def curl(asking: Asking) -> str:
    """Write a request as a line for `curl`."""
    words = ["curl", "-X", asking.method, f"http://localhost:8000{asking.target}"]
    for name, value in asking.headers:
        words += ["-H", f"{name}: {value}"]
    if asking.body:
        words += ["-d", asking.body.decode("utf-8", "replace")]
    return shlex.join(words)


def _check_answer(manifest: HandlerManifest, result: Result) -> None:
    assert result.status < 500, _told(result, "failed on a request that conforms")  # noqa: S101
    assert result.status != 400, _told(result, "refused a request that conforms")  # noqa: S101
    _check_code(manifest, result)
    answers = dict(manifest.answers)
    if result.status not in answers:
        return
    stored = answers[result.status]
    if stored is not None:
        found = PlainChecker(GType(stored.root, stored.objects)).issues(result.json)
        assert not found.issues, f"answered what it does not declare: {found.issues[0].message}"  # noqa: S101


def _check_code(manifest: HandlerManifest, result: Result) -> None:
    """Hold an answer of failure to the codes that were promised, if any were."""
    promised = dict((manifest.promises or NONE).problems)
    if promised and 400 <= result.status < 500:
        code = result.code or ""
        assert promised.get(code) == result.status, _told(result, "promises no such problem")  # noqa: S101


def _check_refusal(result: Result) -> None:
    assert result.status == 400, _told(result, "did not answer 400 to a request with a fault")  # noqa: S101
    issues = result.json.get("issues", [])
    assert issues, _told(result, "names no fault")  # noqa: S101
    values = json.dumps([{k: v for k, v in each.items() if k != "path"} for each in issues])
    assert CANARY not in values, "says back what it refused"  # noqa: S101


def _told(result: Result, what: str) -> str:
    return f"{what}: {result.status} {result.code or ''}\n{result.explain()}"
