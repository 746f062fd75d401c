"""Fixtures and contracts of apps, found by pytest where Timescape is installed (TH-11, CT-7).

Nothing of ours is imported before one is used: tests that use none pay nothing.
"""

import importlib.util
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from runtime import App
    from runtime.testing import FakeClock
    from runtime.testing.harness import Asked

_SEED = pytest.StashKey[int]()
_LOGS = pytest.StashKey[list[Path]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    group = parser.getgroup("timescape")
    group.addoption(
        "--timescape-seed",
        type=int,
        default=None,
        metavar="N",
        help="of ids and chance",
    )
    group.addoption(
        "--timescape-contract",
        action="append",
        default=[],
        metavar="MODULE:APP",
        help="hold an app to what it declares, besides the tests there are",
    )
    group.addoption(
        "--timescape-corpus",
        type=Path,
        default=None,
        metavar="FOLDER",
        help="with requests on record that the app has to answer alike",
    )
    group.addoption(
        "--timescape-examples",
        type=int,
        default=100,
        metavar="N",
        help="requests drawn for each contract (default: 100)",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the contracts of the apps that are named; `-k` chooses among them, too."""
    targets: list[str] = config.getoption("--timescape-contract")
    corpus: Path | None = config.getoption("--timescape-corpus")
    if corpus is not None and len(targets) != 1:
        msg = "--timescape-corpus needs one app: --timescape-contract MODULE:APP."
        raise pytest.UsageError(msg)
    if targets:
        if importlib.util.find_spec("hypothesis") is None:
            msg = "--timescape-contract draws requests: pip install hypothesis."
            raise pytest.UsageError(msg)
        from debugger.pytest_contract import items_of  # noqa: PLC0415 - see the module's docstring

        n: int = config.getoption("--timescape-examples")
        items += [each for target in targets for each in items_of(session, target, corpus, n)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Tell seed and logs of a test that failed."""
    report: Any = yield
    if report.when == "call" and report.failed and _SEED in item.stash:
        lines = [f"again: --timescape-seed {item.stash[_SEED]}"]
        lines += [
            f"look: timescape debug --store sqlite:///{path}" for path in item.stash.get(_LOGS, [])
        ]
        report.sections.append(("timescape", "\n".join(lines)))
    return report  # type: ignore[no-any-return]


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Give the seed of this test: that of `--timescape-seed`, else another each time."""
    chosen: int | None = request.config.getoption("--timescape-seed")
    found = random.randrange(1 << 32) if chosen is None else chosen  # noqa: S311 - told on failure
    request.node.stash[_SEED] = found
    return found


@pytest.fixture
def virtual_clock() -> "FakeClock":
    """Give a clock that does what the test says."""
    from runtime.testing import FakeClock  # noqa: PLC0415 - see the module's docstring

    return FakeClock()


@pytest.fixture
def harness(
    request: pytest.FixtureRequest, seed: int, tmp_path: Path
) -> "Iterator[Callable[..., Asked]]":
    """Give what makes a harness of an app: `harness(app, modules=…)`.

    Its log is a file, which `timescape debug` opens; a test that fails tells its name.
    """
    logs: list[Path] = request.node.stash.setdefault(_LOGS, [])
    with ExitStack() as cleanup:

        def make(app: "App", **options: Any) -> "Asked":
            path = tmp_path / f"timescape-{len(logs) + 1}.db"
            store = cleanup.enter_context(_store(path, seed))
            logs.append(path)
            made: Asked = cleanup.enter_context(_harness(app, store, seed, options))
            return made

        yield make


def _store(path: Path, seed: int) -> Any:
    from eventstore.sql import open_store  # noqa: PLC0415
    from runtime.context import registry  # noqa: PLC0415
    from runtime.testing import FakeClock, SeededIds  # noqa: PLC0415

    return open_store(
        f"sqlite:///{path}",
        mode="hold",
        durability="volatile",
        registry=registry(),
        clock=FakeClock(),
        ids=SeededIds(seed + 1),
    )


def _harness(app: "App", store: Any, seed: int, options: dict[str, Any]) -> Any:
    from runtime.testing import Harness  # noqa: PLC0415

    return Harness(app, store=store, seed=seed, **options)
