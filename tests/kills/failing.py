"""Appends to a store whose disk fails: `python -m tests.kills.failing PATH SEED`.

As a careful caller would: whatever is refused or unknown is appended again with the same commit
id, until it is known to be there. It tells what it sent, what was acknowledged and every refusal.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from eventstore import EventStoreError, Store
from tests.kills import checks
from tests.kills.launcher import Told, tell
from tests.kills.plan import Commit

AGAIN = ("commit-unknown", "log-failed", "store-full")
NOT_OPENED = 3


def insist(store: Store, commits: Iterable[Commit], refused: Callable[[Commit, str], None]) -> None:
    """Append *commits*, each until it is acknowledged; tell *refused* each time it is not."""
    for commit in commits:
        while True:
            try:
                store.append(
                    commit.stream_id,
                    commit.events,
                    kind="order",
                    expected=commit.first - 1,
                    commit_id=commit.commit_id,
                ).result()
                break
            except EventStoreError as error:
                if error.code not in AGAIN:
                    raise
                refused(commit, error.code)


def main() -> int:
    path, seed = Path(sys.argv[1]), int(sys.argv[2])
    try:
        store = checks.opened(path, seed + 1_000_000)
    except EventStoreError as error:
        tell(Told(refused=error.code))
        return NOT_OPENED
    with store:
        for commit in checks.commits_of(seed):
            tell(Told(sent=commit.number))
            insist(store, [commit], lambda _, code: tell(Told(refused=code)))
            tell(Told(acked=commit.number))
    return 0


if __name__ == "__main__":
    sys.exit(main())
