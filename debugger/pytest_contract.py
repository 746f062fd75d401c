"""`pytest --timescape-contract MODULE:APP`: an app is held to its word without a test (CT-7).

A test for each version of each handler, each route with transformers, each `Module`, and each
file of a corpus. Secrets are those of the
environment, modules are called as they are. It needs Hypothesis.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from runtime.app import App, load_app
from runtime.app.transformers import by_handler
from runtime.errors import TimescapeError, UnsupportedTypeError
from runtime.secrets import Environment
from runtime.testing.contracts import check_handler
from runtime.testing.corpora import corpus_files, library_of, read_recorded
from runtime.testing.module_contracts import check_module
from runtime.testing.recorded_checks import check_one
from runtime.testing.version_contracts import check_transformers

Check: TypeAlias = Callable[[], None]


class ContractItem(pytest.Item):
    """One thing that an app has promised."""

    check: Check

    def runtest(self) -> None:
        """Hold the app to it."""
        try:
            self.check()
        except UnsupportedTypeError as error:
            # Said, not hidden: the summary counts it, and `-rs` shows why.
            pytest.skip(f"{error.problem} Call it in a test, with overrides=….")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any) -> str:
        """Tell what it did not keep, and of which request; the frames are all of ours."""
        error = excinfo.value
        return "\n".join([f"{error}" or repr(error), *getattr(error, "__notes__", ())])

    def reportinfo(self) -> tuple[Path, None, str]:
        """Say where it comes from: the app, by its name."""
        return self.path, None, self.name


def items_of(
    session: pytest.Session, target: str, corpus: Path | None, n: int
) -> list[pytest.Item]:
    """Return the tests of an app.

    Args:
        session: they are run in.
        target: `module:app`.
        corpus: a folder of recorded requests; None: there is none.
        n: how many examples are drawn for each.

    Raises:
        UsageError: there is no such app, or nothing in the folder.
    """
    try:
        app = load_app(target)
        checks = [*_handlers(app, n), *_transformers(app, n), *_modules(app, n)]
        checks += _recorded(app, corpus) if corpus is not None else []
    except (TimescapeError, ValueError) as error:
        raise pytest.UsageError(str(error)) from error
    return [_item(session, f"{target}::{name}", check) for name, check in checks]


def _item(session: pytest.Session, name: str, check: Check) -> pytest.Item:
    made: ContractItem = ContractItem.from_parent(session, name=name, nodeid=name)
    made.check = check
    return made


def _handlers(app: App, n: int) -> Iterator[tuple[str, Check]]:
    for each in app.handlers:
        route = each.template.text
        name = f"handler[{route} {each.edition or ''}".rstrip() + "]"
        yield (
            name,
            partial(
                check_handler, app, route, version=each.edition, secrets=Environment(), examples=n
            ),
        )


def _transformers(app: App, n: int) -> Iterator[tuple[str, Check]]:
    joined = by_handler(app.parts.transformers, app.handlers)
    routes = dict.fromkeys(e.template.text for e in app.handlers if e.handler in joined)
    for route in routes:
        yield f"transformers[{route}]", partial(check_transformers, app, route, examples=n)


def _modules(app: App, n: int) -> Iterator[tuple[str, Check]]:
    for name, module in app.hosted_modules.items():
        part = app.parts.config.get(name)
        yield (
            f"module[{name}]",
            partial(check_module, module, config=part, secrets=Environment(), examples=n),
        )


def _recorded(app: App, corpus: Path) -> Iterator[tuple[str, Check]]:
    for path in corpus_files(corpus):
        yield f"recorded[{path.name}]", partial(_check_file, app, path)


def _check_file(app: App, path: Path) -> None:
    with library_of(app) as library:
        found = check_one(library, read_recorded(path).events)
    if found.verdict != "equal":
        msg = f"{found.request} {found.verdict}: {found.detail}"
        raise AssertionError(msg)
