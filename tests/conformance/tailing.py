"""A process that reads a store along: `python -m tests.conformance.tailing URL NAME [DATABASE]`.

It prints each position it was given, and then saves the cursor in the store. With a database it
keeps them there, in the transaction that keeps the cursor.
"""

import sqlite3
import sys

from eventstore import Page, cursor_in
from eventstore.sql import open_store
from eventstore.testing import FakeClock, FakeIds, registry


def main(url: str, name: str, database: str | None = None) -> None:
    mine = sqlite3.connect(database) if database is not None else None
    after = cursor_in(mine, name) if mine is not None else None
    if mine is not None:
        mine.execute("CREATE TABLE IF NOT EXISTS seen (position INTEGER)")
        mine.commit()
    with open_store(
        url, mode="guest", registry=registry(), clock=FakeClock(), ids=FakeIds(1 << 40)
    ) as store:
        for page in store.subscribe(name, after=after, kinds=["order"]):
            if mine is not None:
                keep(page, mine)
            tell(page)
            if mine is None:
                page.done()
            if page.rows[-1].closes:
                break


def keep(page: Page, mine: sqlite3.Connection) -> None:
    with mine:
        for row in page.rows:
            mine.execute("INSERT INTO seen VALUES (?)", (row.position,))
        page.done(mine)


def tell(page: Page) -> None:
    sys.stdout.write(f"{' '.join(str(row.position) for row in page.rows)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
