"""Opens a store as its first user and appends: `python -m tests.migrations.first_use PATH N`.

It says that it is ready and waits for a line, so that several begin at once. Whoever comes while
another holds the log tries again, as a restarted server would.
"""

import sys

from eventstore import EventStoreError, Store, sql
from eventstore.testing import FakeClock, FakeIds, registry, several, stream


def opened(url: str, number: int) -> Store:
    while True:
        try:
            return sql.open_store(
                url, registry=registry(), clock=FakeClock(), ids=FakeIds(number << 32)
            )
        except EventStoreError as error:
            if error.code != "store-held":
                raise


def main() -> None:
    url, number = f"sqlite:///{sys.argv[1]}", int(sys.argv[2])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with opened(url, number) as store:
        store.append(stream(number), several(3), kind="order", expected=0).result()


if __name__ == "__main__":
    main()
