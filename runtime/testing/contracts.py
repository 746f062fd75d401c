"""A handler is held to its own contract (CT-1). It needs Hypothesis."""

import hashlib
import shlex
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from runtime.app import App
from runtime.errors import VersionNotFound
from runtime.gtype import GType, PlainChecker
from runtime.manifests import HandlerManifest
from runtime.manifests.promises import NONE
from runtime.principals import Principal
from runtime.secrets import Provider
from runtime.testing.asking import Asking
from runtime.testing.harness import Asked, Harness
from runtime.testing.request_faults import Fault, at_place, faults_of
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
    declared type. One that is a fault away, in its path, query, headers, media type or body, is
    answered 400 with an issue at the fault, or with the status and code that such a fault has;
    no answer says back a value that was refused. Who asks has the roles and scopes it takes.

    Args:
        app: not started.
        route: `POST /orders`, as declared.
        version: its edition; None: the newest.
        modules: doubles in place of the app's modules.
        secrets: that there are; None: none.
        overrides: values for checks in code, by the code of their issues.
        examples: drawn of each kind.

    Raises:
        AssertionError: it does not; its notes show the request, as a line for `curl` and as a
            test.
        VersionNotFound: the app has no such route, or not in this version.
        UnsupportedTypeError: a check in code has no override.
    """
    manifest = _manifest(app, route, version)
    quiet = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        # The request says enough: which lines it ran is told of code that is not the user's.
        phases=(Phase.generate, Phase.shrink),
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
            _check_refusal(_sent(harness, manifest, drawn), drawn.fault or "")

        @quiet
        @given(requests(manifest, overrides), st.sampled_from(faults_of(manifest)))
        def faulty_elsewhere(drawn: Drawn, fault: Fault) -> None:
            _check_fault(manifest, _sent(harness, manifest, drawn, fault), fault)

        conforming()
        if manifest.body is not None:
            faulty()
        faulty_elsewhere()


def _manifest(app: App, route: str, version: str | None) -> HandlerManifest:
    known = [each for each in app.manifests if f"{each.method} {each.path}" == route]
    fitting = [each for each in known if version in {None, each.version}]
    if not fitting:
        routes = ", ".join(sorted({f"{each.method} {each.path}" for each in app.manifests}))
        problem = f"There is no handler of {route!r} in version {version or 'any'}."
        raise VersionNotFound(problem, f"Routes: {routes}.")
    return max(fitting, key=lambda each: each.version or "")


def _sent(
    harness: Asked, manifest: HandlerManifest, drawn: Drawn, fault: Fault | None = None
) -> Result:
    asking = harness.request(manifest.method, manifest.path).with_path(**drawn.params)
    given_query = {name: spelt(value) for name, value in drawn.query.items() if value is not None}
    asking = asking.with_query(**given_query)
    if manifest.version is not None:
        asking = asking.version(manifest.version)
    for name in (manifest.promises or NONE).needs:
        asking = asking.with_header(name, "1")
    if manifest.policies.idempotency == "required":
        asking = asking.with_header("idempotency-key", harness.harness.ids.token(8).hex())
    if drawn.has_body:
        asking = asking.with_body(drawn.body)
    asking = _let_in(asking, manifest)
    if fault is not None:
        asking = fault.change(asking)
    result = harness.send(asking)
    if result.code == "rate-limited" and "retry-after" in result.headers:
        harness.advance(float(result.headers["retry-after"]))
        result = harness.send(asking)
    wanted = fault.status if fault is not None else None if drawn.fault is None else 400
    note(f"{curl(asking)}\n\n{as_test(asking, result, wanted)}")
    return result


def _let_in(asking: Asking, manifest: HandlerManifest) -> Asking:
    """Let somebody ask who may; of an open handler, nobody in particular."""
    rules = manifest.policies
    if not (rules.auth or rules.roles or rules.scopes):
        return asking
    return asking.as_(Principal("contract", roles=rules.roles, scopes=rules.scopes))


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


def as_test(asking: Asking, result: Result, wanted: int | None) -> str:
    """Write a request as a test that sends it.

    Args:
        asking: the request.
        result: what it was answered.
        wanted: the status it should have; None: any but 400 and those from 500 on.
    """
    steps = [f"asking = harness.request({asking.method!r}, {asking.target!r})"]
    steps += [f"asking = asking.with_header({n!r}, {v!r})" for n, v in asking.headers]
    if asking.body:
        steps.append(f"asking = asking.with_body({asking.body!r})")
    who = asking.principal
    if who is not None:
        steps.append(f"asking = asking.as_({who!r})")
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in asking.method.lower())
    digest = hashlib.sha256(f"{asking.target} {asking.headers}".encode() + asking.body).hexdigest()
    lines = [
        f"def test_{name}_{digest[:8]}() -> None:",
        "    with Harness(app) as harness:",
        *(f"        {step}" for step in steps),
        *_claimed(result.status, wanted),
    ]
    return "\n".join(lines)


def _claimed(was: int, wanted: int | None) -> tuple[str, ...]:
    if wanted is not None:
        return (f"        harness.send(asking).assert_status({wanted})  # it was {was}",)
    return (
        f"        status = harness.send(asking).status  # it was {was}",
        "    assert status < 500 and status != 400",
    )


def _check_answer(manifest: HandlerManifest, result: Result) -> None:
    assert result.status < 500, _told(result, "failed on a request that conforms")  # noqa: S101
    assert result.status != 400, _told(result, "refused a request that conforms")  # noqa: S101
    _check_code(manifest, result)
    answers = dict(manifest.answers)
    if result.status >= 400:
        return
    if result.status not in answers:
        declared = " or ".join(map(str, sorted(answers)))
        assert _may_say_nothing(manifest, result), _told(result, f"declares to answer {declared}")  # noqa: S101
        return
    stored = answers[result.status]
    if stored is not None:
        found = PlainChecker(GType(stored.root, stored.objects)).issues(result.json)
        assert not found.issues, f"answered what it does not declare: {found.issues[0].message}"  # noqa: S101


def _may_say_nothing(manifest: HandlerManifest, result: Result) -> bool:
    """Say whether an answer of 204 stands for None, which the declared type has."""
    stored = dict(manifest.answers).get(200)
    if result.status != 204 or 200 not in dict(manifest.answers):
        return False
    if stored is None:
        return True
    return not PlainChecker(GType(stored.root, stored.objects)).issues(None).issues


def _check_code(manifest: HandlerManifest, result: Result) -> None:
    """Hold an answer of failure to the codes that were promised, if any were."""
    promised = dict((manifest.promises or NONE).problems)
    if promised and 400 <= result.status < 500:
        code = result.code or ""
        assert promised.get(code) == result.status, _told(result, "promises no such problem")  # noqa: S101


def _check_refusal(result: Result, fault: str) -> None:
    assert result.status == 400, _told(result, "did not answer 400 to a request with a fault")  # noqa: S101
    _check_place(result, fault)
    _check_silence(result)


def _check_fault(manifest: HandlerManifest, result: Result, fault: Fault) -> None:
    if fault.code == "route-not-found" and result.code != fault.code:
        route = result.facts[0].data.route if result.facts else ""
        if route != f"{manifest.method} {manifest.path}" and result.status < 500:
            return  # The path is another handler's, or has another method.
    wanted, got = (fault.status, fault.code), (result.status, result.code)
    assert got == wanted, _told(result, f"did not answer {wanted} where {fault.what}")  # noqa: S101
    if fault.pointer is not None:
        _check_place(result, fault.pointer)
    _check_silence(result)


def _check_place(result: Result, fault: str) -> None:
    places = [each["path"] for each in result.json.get("issues", [])]
    found = any(at_place(each, fault) for each in places)
    assert found, f"names no fault at {fault or 'the root'}, but at {places}"  # noqa: S101


def _check_silence(result: Result) -> None:
    heads = [text for pair in result.headers.items() for text in pair]
    said = any(CANARY in text for text in (result.body.decode("utf-8", "replace"), *heads))
    assert not said, _told(result, "says back what it refused")  # noqa: S101


def _told(result: Result, what: str) -> str:
    return f"{what}: {result.status} {result.code or ''}\n{result.explain()}"
