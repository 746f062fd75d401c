"""What makes rows for a database: with the keys of persons, where there is a keyring."""

from eventstore.drafts import Drafting
from eventstore.names import NameBook
from eventstore.sql.postgres.backend import Database
from eventstore.sql.postgres.options import Options
from eventstore.sql.subject_keys import KeyTable, open_keys


def drafting_of(database: Database, options: Options, book: NameBook) -> Drafting:
    """Return what makes rows; whoever lets go of it closes its subjects.

    Raises:
        EventStoreError: `wrong-master`.
    """
    subjects = open_keys(
        lambda: KeyTable(database.engine(), database.translating),
        options.keyring,
        options.clock,
        options.ids,
    )
    return Drafting(options.registry, book, options.clock, options.ids, subjects)
