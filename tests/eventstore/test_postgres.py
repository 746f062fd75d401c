"""What is of PostgreSQL alone: its statements, its tables, and who may do what with them."""

import datetime as dt
from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from eventstore import ANY, NEW, EventStoreError, NewEvent
from eventstore.identifiers import StreamId, named_stream, uuid7
from eventstore.sql import check, current, maintain, sql, upgrade, without_password
from eventstore.sql.plan import Parameters
from eventstore.sql.postgres import addresses, connections, lease, partitions, statements
from eventstore.sql.postgres.tables import REVISION
from eventstore.testing import FakeClock, FakeIds, placed, several, stream
from eventstore.testing.fakes import START_US
from tests.eventstore.on_postgres import opened
from tests.postgres import Server

DAY_US = 86_400 * 1_000_000


def refusal(act: Callable[[], object]) -> EventStoreError:
    with pytest.raises(EventStoreError) as caught:
        act()
    assert caught.value.remedy
    return caught.value


# --- the statement of a flush ---


@pytest.fixture(scope="module")
def connection(postgres: Server) -> Iterator[sa.Connection]:
    engine = connections.writer_engine(addresses.parse(postgres.upgraded()))
    with engine.connect() as connection:
        lease.begin_log(connection, FakeClock(), FakeIds())
        yield connection


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
headers = st.tuples(
    st.integers(1, 256),  # events
    st.integers(0, 1 << 15),  # kind
    st.integers(0, 3),  # flags
    st.integers(-(1 << 62), 1 << 62),  # began
    st.integers(0, 1 << 62),  # at
    st.binary(min_size=16, max_size=16),  # commit id
    st.none() | st.tuples(st.uuids(), st.integers(0, 1 << 40)),  # parent
    texts,
    st.binary(min_size=32, max_size=32),  # digest, and chain
)


def placed_rows(drawn: list[tuple[object, ...]]) -> list[Parameters]:
    rows: list[Parameters] = []
    pos = 1
    for number, (n, kind, flags, began, at, commit_id, parent, text, digest) in enumerate(drawn):
        rows.append((
            pos, 0, stream(number).hex, 1, n, kind, flags, began, at, commit_id,
            *_fork(parent), 1, f"[{_json(text)}]", bytes(16), digest, digest,
        ))  # fmt: skip
        pos += int(n)  # type: ignore[call-overload]
    return rows


def _fork(parent: object) -> tuple[str | None, int | None]:
    match parent:
        case (UUID() as fork, int() as revision):
            return fork.hex, revision
        case _:
            return None, None


def _json(text: object) -> str:
    return '"' + str(text).encode("unicode_escape").hex() + f'ä{len(str(text))}"'


def kept(connection: sa.Connection, parts: list[list[Parameters]]) -> list[object]:
    """Append *parts* one after the other, look, and take it all back."""
    connection.exec_driver_sql("BEGIN")
    try:
        for part in parts:
            text, parameters = statements.append(part, extend_lease=False)
            assert connection.exec_driver_sql(text, parameters).rowcount == len(part)
        rows = connection.exec_driver_sql(
            "SELECT pos, epoch, stream, revision, n, kind, flags, began_us, at_us, commit_id,"
            " parent, parent_revision, codec, data::text, salt, digest, chain, log_id"
            " FROM commits ORDER BY pos"
        )
        end = connection.exec_driver_sql("SELECT next_pos, head FROM log").one()
        return [*(tuple(row) for row in rows), tuple(end)]
    finally:
        connection.exec_driver_sql("ROLLBACK")


def as_kept(rows: list[Parameters]) -> list[object]:
    found: list[object] = []
    for row in rows:
        parent = UUID(row[10]) if row[10] else None
        found.append((*row[:2], UUID(row[2]), *row[3:10], parent, *row[11:], 1))
    return [*found, (rows[-1][0] + rows[-1][4], rows[-1][16])]


@pytest.mark.proves("PG-1", "TB-4")
@given(drawn=st.lists(headers, min_size=1, max_size=5))
def test_rows_are_kept_as_they_are_together_and_one_by_one(
    connection: sa.Connection, drawn: list[tuple[object, ...]]
) -> None:
    """An array of several rows and a statement for one give the same bytes."""
    rows = placed_rows(drawn)

    assert kept(connection, [rows]) == as_kept(rows)
    assert kept(connection, [[row] for row in rows]) == as_kept(rows)


@pytest.mark.proves("PG-1", "LG-3")
def test_a_statement_at_the_wrong_place_or_epoch_writes_nothing(connection: sa.Connection) -> None:
    row = placed_rows([(1, 2, 0, 0, 0, bytes(16), None, "", bytes(32))])[0]
    for wrong in ((2, 0), (1, 1)):
        text, parameters = statements.append([(*wrong, *row[2:])], extend_lease=True)
        assert connection.exec_driver_sql(text, parameters).rowcount == 0
    assert connection.exec_driver_sql("SELECT count(*) FROM commits").scalar() == 0
    assert connection.exec_driver_sql("SELECT next_pos, leased_until FROM log").one() == (1, None)


@pytest.mark.proves("PG-1", "WR-2")
def test_what_is_queued_together_is_one_transaction(postgres: Server) -> None:
    url = postgres.upgraded()
    with opened(url) as store:
        store.append(stream(0), several(1), kind="order", expected=NEW).result()
        tickets = [
            store.append(stream(n), several(2), kind="order", expected=NEW) for n in range(1, 120)
        ]
        for ticket in tickets:
            ticket.result()
    query = "SELECT count(*), count(DISTINCT xmin::text) FROM timescape.commits WHERE kind = 2"
    ((rows, transactions),) = postgres.sql(query, url)

    assert rows == 120
    assert int(str(transactions)) < 60


# --- what is asked of the server ---


@pytest.mark.proves("PG-1")
def test_a_database_that_cannot_hold_all_text_is_refused(postgres: Server) -> None:
    url = postgres.empty(encoding="LATIN1")

    assert refusal(lambda: upgrade(url, clock=FakeClock(), ids=FakeIds())).code == "bad-encoding"
    assert refusal(lambda: opened(url)).code == "bad-encoding"


@pytest.mark.proves("AL-4")
def test_tables_are_made_on_command_only(postgres: Server) -> None:
    url = postgres.empty()

    for mode in ("hold", "guest", "read"):
        said = refusal(lambda mode=mode: opened(url, mode=mode))  # type: ignore[misc]
        assert (said.code, "db upgrade" in said.remedy) == ("schema-old", True)
    assert postgres.sql("SELECT to_regnamespace('timescape')", url) == [(None,)]


@pytest.mark.proves("AL-1", "AL-4", "TB-5")
def test_upgrade_makes_what_the_script_makes(postgres: Server) -> None:
    clock = FakeClock()
    made, written = postgres.empty(), postgres.empty()
    first = upgrade(made, clock=clock, ids=FakeIds())
    again = upgrade(made, clock=clock, ids=FakeIds())
    postgres.sql(sql(written), written)
    months = maintain(written, clock=clock)

    assert (first.before, again.before, first.after) == (None, REVISION, REVISION)
    assert len(months) == 7
    assert maintain(written, clock=clock) == []
    assert catalogue(postgres, made) == catalogue(postgres, written)
    assert (check(written, clock=clock).state, current(made)) == ("current", REVISION)


def catalogue(postgres: Server, url: str) -> list[tuple[object, ...]]:
    return postgres.sql(
        "SELECT c.relname, c.relkind, c.relacl::text, pg_get_expr(c.relpartbound, c.oid),"
        " a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull"
        " FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
        " WHERE c.relnamespace = 'timescape'::regnamespace UNION ALL"
        " SELECT t.tgname, 't', pg_get_triggerdef(t.oid), NULL, NULL, NULL, NULL FROM pg_trigger t"
        " WHERE NOT t.tgisinternal ORDER BY 1, 3, 5",
        url,
    )


@pytest.mark.proves("AL-3")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DROP TRIGGER commits_append_only ON timescape.commits", "-  CREATE TRIGGER commits_app"),
        ("DROP VIEW timescape.events", "-v events"),
        ("DROP INDEX timescape.commits_by_position", "-  CREATE INDEX commits_by_position"),
        ("ALTER TABLE timescape.log ADD COLUMN more int", "+  more integer"),
        ("GRANT DELETE ON timescape.commits TO timescape_writer", "+  DELETE to timescape_writer"),
        ("ALTER TABLE timescape.commits DISABLE TRIGGER commits_append_only", "disabled"),
    ],
)
def test_what_somebody_changed_is_shown(postgres: Server, change: str, told: str) -> None:
    url = postgres.upgraded()
    with opened(url) as store:
        store.append(stream(1), several(3), kind="order", expected=NEW).result()
        assert check(url, clock=FakeClock()).drift == ()
        postgres.sql(change, url)
        found = check(url, clock=FakeClock())
        # Looked at in a transaction that nobody else saw or waited for.
        assert store.head(stream(1)).revision == 3

    assert found.state == "drifted"
    assert any(told in line for line in found.drift)


@pytest.mark.proves("AL-4", "AL-1")
def test_tables_of_others_and_of_newer_programs_are_left_alone(postgres: Server) -> None:
    foreign, newer = postgres.empty(), postgres.upgraded()
    postgres.sql("CREATE SCHEMA timescape CREATE TABLE theirs (id int)", foreign)
    postgres.sql("UPDATE timescape.alembic_version SET version_num = '0999'", newer)
    acts = (opened, lambda url: upgrade(url, clock=FakeClock(), ids=FakeIds()))

    for act in acts:
        assert refusal(lambda act=act: act(foreign)).code == "not-a-store"  # type: ignore[misc]
        assert refusal(lambda act=act: act(newer)).code == "schema-new"  # type: ignore[misc]
    assert check(newer, clock=FakeClock()).state == "newer"
    assert postgres.sql("SELECT count(*) FROM timescape.theirs", foreign) == [(0,)]


@pytest.mark.proves("AL-5", "PG-2")
def test_nobody_upgrades_below_a_holder(postgres: Server) -> None:
    url = postgres.upgraded()
    with opened(url):
        said = refusal(lambda: upgrade(url, clock=FakeClock(), ids=FakeIds()))
    upgrade(url, clock=FakeClock(), ids=FakeIds())

    assert said.code == "store-held"


def test_what_cannot_be_reached_says_so_without_the_password(postgres: Server) -> None:
    said = [
        refusal(lambda url=url: opened(url))  # type: ignore[misc]
        for url in (
            "postgresql://ann:secret@127.0.0.1:1/shop",
            f"postgresql://ann:secret@127.0.0.1:{postgres.port}/nothing",
            "postgresql://ann:secret@127.0.0.1",
        )
    ]

    assert [each.code for each in said] == ["store-unreachable", "store-unreachable", "bad-url"]
    assert refusal(lambda: opened(postgres.url("nothing"))).code == "no-such-store"
    assert not any("secret" in str(each) + str(each.fields) for each in said)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:secret@host:5432/shop", "postgresql://ann:***@host:5432/shop"),
        ("postgresql://ann:sec@ret@host/shop", "postgresql://ann:***@host/shop"),
        (
            "postgresql://host/shop?user=a&password=secret",
            "postgresql://host/shop?user=a&password=***",
        ),
        ("postgresql://ann@host:5432/shop", "postgresql://ann@host:5432/shop"),
        ("sqlite:///a:b@c.db", "sqlite:///a:b@c.db"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


# --- the view ---


@pytest.mark.proves("TB-3", "TB-4")
def test_the_view_tells_each_event_for_psql(postgres: Server) -> None:
    url = postgres.upgraded()
    with opened(url) as store:
        events = [
            placed(1, site="shop.py:1"),
            NewEvent("order.noted", {"a": [1.5, "ä"]}, None, START_US + 10**12 + 1),
            NewEvent("order.noted", None, "k", -1),
        ]
        store.append(stream(1), events, kind="order", expected=NEW).result()
        (row,) = store.read_log(kinds=["order"])
    found = postgres.sql(
        "SELECT position, stream::text, revision, recorded_at, type, schema, key, data::text,"
        " site, kind, commit_position FROM timescape.events WHERE kind = 'order' ORDER BY position",
        url,
    )
    at = row.position
    same = (str(stream(1)),)

    assert found == [
        (at, *same, 1, "2026-09-21T14:13:20.000001Z", "order.placed", 1, "k1",
         '{"item":"tea","quantity":1}', "shop.py:1", "order", at),
        (at + 1, *same, 2, _iso(START_US + 10**12 + 1),
         "order.noted", 1, None, '{"a":[1.5,"ä"]}', None, "order", at),
        (at + 2, *same, 3, "1969-12-31T23:59:59.999999Z", "order.noted", 1, "k", None, None,
         "order", at),
    ]  # fmt: skip


def _iso(at_us: int) -> str:
    at = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=at_us)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# --- partitions ---


@pytest.mark.proves("TB-5")
@given(at_us=st.integers(0, 4_102_444_800_000_000), random=st.binary(min_size=10, max_size=10))
def test_a_stream_lies_in_the_month_of_its_time(at_us: int, random: bytes) -> None:
    """For every instant and id: in its month, in no other one, and months join without a gap."""
    id_ = uuid7(at_us // 1_000, random)
    months = partitions.months(at_us)

    assert [month.name for month in months if month.first <= id_ < month.end] == [months[0].name]
    assert [m.end for m in months[:-1]] == [m.first for m in months[1:]]
    assert months[0].name == f"commits_{_iso(at_us)[:7].replace('-', '_')}"


@pytest.mark.proves("TB-5")
def test_streams_go_to_named_monthly_and_default_partitions(postgres: Server) -> None:
    url = postgres.upgraded()
    late = StreamId(uuid7(START_US // 1_000 + 400 * 86_400_000, bytes(10)))
    with opened(url) as store:
        for name in (named_stream("ledger", "main"), stream(1), late):
            store.append(name, [placed()], kind="order", expected=ANY).result()
        assert [event.data.quantity for event in store.read(late)] == [1]
    where = "SELECT tableoid::regclass::text FROM timescape.commits WHERE kind = 2 ORDER BY pos"

    assert [str(name).removeprefix("timescape.") for (name,) in postgres.sql(where, url)] == [
        "commits_named",
        "commits_2026_09",
        "commits_default",
    ]
    found = check(url, clock=FakeClock())
    assert (found.state, found.warnings) == (
        "current",
        ("Rows are in commits_default, as their month had no partition.",),
    )


@pytest.mark.proves("TB-5")
def test_months_are_made_in_time_and_told_of_before(postgres: Server) -> None:
    url = postgres.upgraded()
    said = [
        check(url, clock=FakeClock(START_US + days * DAY_US)).warnings
        for days in (0, 135, 160, 600)
    ]
    maintain(url, clock=FakeClock(START_US + 160 * DAY_US))

    soon = ("Partitions are made for less than 45 days ahead.",)
    assert said == [(), (), soon, soon]
    assert check(url, clock=FakeClock(START_US + 160 * DAY_US)).warnings == ()


@pytest.mark.proves("TB-5")
def test_a_month_whose_rows_are_in_the_default_partition_stays_there(postgres: Server) -> None:
    url = postgres.upgraded()
    later_us = START_US + 240 * DAY_US
    late = StreamId(uuid7(later_us // 1_000, bytes(10)))
    with opened(url) as store:
        store.append(late, [placed()], kind="order", expected=ANY).result()
    made = maintain(url, clock=FakeClock(later_us))

    assert "commits_2027_05" not in made
    assert "commits_2027_06" in made


# --- guards and roles ---


@pytest.fixture
def filled(postgres: Server) -> str:
    url = postgres.upgraded()
    with opened(url) as store:
        store.append(stream(1), several(3), kind="order", expected=NEW).result()
    return url


@pytest.mark.proves("TB-6")
@pytest.mark.parametrize("table", ["commits", "commits_named", "commits_2026_09"])
@pytest.mark.parametrize("act", ["UPDATE {} SET n = 1", "DELETE FROM {}", "TRUNCATE {}"])
def test_rows_are_guarded_on_all_partitions(
    postgres: Server, filled: str, table: str, act: str
) -> None:
    statement = act.format(f"timescape.{table}")

    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        postgres.sql(statement, filled)
    postgres.sql(f"BEGIN; SET LOCAL timescape.maintenance = 'on'; {statement}; ROLLBACK", filled)


@pytest.mark.proves("TB-6", "LG-4")
@pytest.mark.parametrize(
    "act",
    [
        "UPDATE timescape.log SET next_pos = next_pos - 1",
        "UPDATE timescape.log SET epoch = epoch - 1",
    ],
)
def test_the_log_never_goes_back(postgres: Server, filled: str, act: str) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation, match="backwards"):
        postgres.sql(act, filled)


@pytest.mark.proves("TB-6")
def test_roles_may_do_what_their_names_say(postgres: Server) -> None:
    url = postgres.upgraded()
    for user, role in (("wendy", "timescape_writer"), ("ron", "timescape_reader")):
        postgres.sql(f"DROP ROLE IF EXISTS {user}")
        postgres.sql(f"CREATE ROLE {user} LOGIN IN ROLE {role}")
    writer, reader = url.replace("timescape@", "wendy@"), url.replace("timescape@", "ron@")
    with opened(writer) as store:
        store.append(stream(1), several(3), kind="order", expected=NEW).result()
    with opened(reader, mode="read") as store:
        assert (store.head(stream(1)).revision, store.verify().fault) == (3, None)

    assert refusal(lambda: opened(reader)).code == "read-only"
    for statement in ("UPDATE {} SET n = 1", "DELETE FROM {}", "TRUNCATE {}"):
        text = "SET timescape.maintenance = 'on'; " + statement.format("timescape.commits")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            postgres.sql(text, writer)
