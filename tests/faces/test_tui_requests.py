"""The list of requests: its tail, its filter, and its states."""

from collections.abc import Callable
from typing import Any

import pytest

from debugger.errors import UnavailableError
from debugger.session import RequestList, RequestSummary, Session
from debugger.tui.requests_screen import RequestsScreen
from eventstore import Store, StreamId
from tests.debugger.stores import CountedIds, Shop, Story, Ticks, order, record, shop
from tests.faces.tui import FORK, RUNNING, SIZES, Person, drive


class Fails(Session):
    """A session that can be made to fail, and told to recover."""

    def __init__(self, session: Session) -> None:
        super().__init__(session.store)
        self.broken = True

    def _check(self) -> None:
        if self.broken:
            problem = "The store is locked by another process."
            raise UnavailableError(problem, "Wait until it is free.")

    def requests(self, where: str = "", **options: Any) -> RequestList:
        self._check()
        return super().requests(where, **options)

    def newer(self, after: int, where: str = "", **options: Any) -> list[RequestSummary]:
        self._check()
        return super().newer(after, where, **options)

    def end(self) -> int:
        self._check()
        return super().end()


def failing(into: list[Fails]) -> Callable[[Session], Session]:
    def wrap(session: Session) -> Session:
        into.append(Fails(session))
        return into[0]

    return wrap


def nothing(store: Store, clock: Ticks) -> Shop:
    """Record no request at all."""
    nobody = StreamId(CountedIds().uuid7(0))
    return Shop(*[nobody] * 9)


def many(store: Store, clock: Ticks) -> Shop:
    """Record 1 300 requests: more than five pages."""
    ids = CountedIds()
    made = [
        record(
            store,
            Story(clock).received("GET /items", f"/items/{n}").sent(500 if n % 100 == 0 else 200),
            stream=StreamId(ids.uuid7(clock.now_us)),
        )
        for n in range(1300)
    ]
    return Shop(*made[:9])


def paths(person: Person) -> list[str]:
    return [row.path for row in person.app.requests.list.rows]


async def serve(person: Person, path: str = "/new", number: int = 1) -> None:
    """Let the server record requests now."""
    ids, clock = CountedIds(0xB000 + len(path) * 64), Ticks(1_790_900_000_000_000)
    for _ in range(number):
        story = Story(clock).received("GET /new", path).sent()
        record(person.store, story, stream=StreamId(ids.uuid7(clock.now_us)))


@pytest.mark.proves("UI-2", "RN-6")
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_the_tail_brings_new_requests_to_the_top(size: tuple[int, int]) -> None:
    async def scenario(person: Person) -> None:
        await serve(person)
        await person.tick()

        assert paths(person)[0] == "/new"
        assert person.app.requests.list.cursor == 0
        assert "GET /new" in person.lines[4]
        assert "10 requests" in person.lines[1]

    drive(scenario, size=size)


@pytest.mark.proves("UI-2")
def test_the_cursor_stays_on_its_request_while_others_come() -> None:
    async def scenario(person: Person) -> None:
        await person.press("j", "j")
        before = person.app.requests.list.current
        await serve(person)
        await person.tick()

        assert person.app.requests.list.current == before
        assert person.app.requests.list.cursor == 3

    drive(scenario)


@pytest.mark.proves("UI-2", "RN-6")
def test_without_following_new_requests_are_counted_and_not_shown() -> None:
    async def scenario(person: Person) -> None:
        await person.press("t")
        await serve(person, number=3)
        await person.tick()
        assert paths(person)[0] != "/new"
        assert "3 new, t follows" in person.text
        await person.press("t")

        assert paths(person)[:4].count("/new") == 3

    drive(scenario)


@pytest.mark.proves("UI-2")
def test_a_request_that_goes_on_is_shown_as_it_is_now() -> None:
    async def scenario(person: Person) -> None:
        rows = person.app.requests.list.rows
        assert rows[RUNNING - 1].outcome == "running"
        story = Story(Ticks(1_790_900_000_000_000)).sent(200)
        person.store.append(
            person.made.running, story.events, kind="request", expected=7, close=True
        ).result()
        await person.tick()

        assert person.app.requests.list.rows[RUNNING - 1].outcome == "200"
        assert len(person.app.requests.list.rows) == 9

    drive(scenario)


@pytest.mark.proves("UI-2", "AC-1")
@pytest.mark.parametrize(("ascii_only", "sign"), [(False, "└"), (True, "+")])
def test_forks_and_failures_carry_a_sign(ascii_only: bool, sign: str) -> None:  # noqa: FBT001
    async def scenario(person: Person) -> None:
        rows = person.lines[4:13]

        assert rows[FORK - 1][2] == sign
        assert [row[2] for row in rows if "500 KeyError" in row] == ["!"]

    drive(scenario, ascii_only=ascii_only)


@pytest.mark.proves("AC-1")
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_the_frame_is_ascii_where_only_ascii_can_be_shown(size: tuple[int, int]) -> None:
    async def scenario(person: Person) -> None:
        seen = person.text
        await person.open(FORK)
        seen += person.text

        # The sign for a cut value is the only other one, and stands in recorded text.
        assert set(seen) - {chr(code) for code in range(32, 127)} - {"\n", "…"} == set()

    drive(scenario, size=size, ascii_only=True)


# --- the filter ---


@pytest.mark.proves("UI-2", "TM-11")
def test_the_list_is_filtered_as_one_types() -> None:
    async def scenario(person: Person) -> None:
        await person.press("slash")
        await person.write("route:*items*")
        assert {row.route for row in person.app.requests.list.rows} == {"GET /items"}
        assert "2 of 9" in person.lines[1]
        await person.press("tab")

        assert person.focused is person.app.requests.list

    drive(scenario)


@pytest.mark.proves("ST-1")
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_a_filter_that_matches_nothing_tells_how_many_there_are(size: tuple[int, int]) -> None:
    async def scenario(person: Person) -> None:
        await person.press("slash")
        await person.write("status:418")
        await person.press("enter")
        assert person.app.requests.list.count == 0
        assert "no match. 9 without the filter." in person.text
        await person.press("enter")
        assert person.message == "There is no request to open."
        await person.press("escape")

        assert person.app.requests.list.count == 9

    drive(scenario, size=size)


@pytest.mark.proves("TM-10")
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_a_filter_that_cannot_be_read_shows_where_and_keeps_the_rows(
    size: tuple[int, int],
) -> None:
    async def scenario(person: Person) -> None:
        await person.press("slash")
        await person.write("method:GET statu:500")
        assert "^" not in person.lines[2]
        await person.press("enter")

        typed, caret = person.lines[1], person.lines[2]
        assert caret.index("^") == typed.index("statu:500")
        assert person.app.requests.list.count == 9
        assert person.focused is person.app.requests._field

    drive(scenario, size=size)


@pytest.mark.proves("KB-2")
def test_a_text_field_takes_the_keys_that_mean_something_elsewhere() -> None:
    async def scenario(person: Person) -> None:
        await person.press("slash")
        await person.write("q?:12!tj")

        assert person.at(RequestsScreen)
        assert person.app.requests._field.value == "q?:12!tj"

    drive(scenario)


@pytest.mark.proves("UI-2")
def test_the_tail_keeps_to_the_filter() -> None:
    async def scenario(person: Person) -> None:
        await person.press("slash")
        await person.write("route:*items*")
        await person.press("enter")
        await serve(person)
        await person.tick()

        assert "/new" not in paths(person)
        assert len(paths(person)) == 2

    drive(scenario)


# --- pages ---


@pytest.mark.proves("RN-1")
def test_a_long_list_is_read_by_pages_as_one_goes_down() -> None:
    async def scenario(person: Person) -> None:
        pane = person.app.requests.list
        assert len(pane.rows) == 64 + 256, "what is seen first, then a page in advance"
        for _ in range(16):
            await person.press("pagedown")

        assert pane.cursor == 16 * (pane.body_height - 1)
        assert len(pane.rows) == 64 + 2 * 256
        assert paths(person) == [f"/items/{n}" for n in range(1299, 1299 - 64 - 2 * 256, -1)]

    drive(scenario, fill=many)


@pytest.mark.proves("RN-1")
def test_the_oldest_and_the_newest_are_one_key_away() -> None:
    async def scenario(person: Person) -> None:
        pane = person.app.requests.list
        await person.press("end")
        assert pane.current is not None
        assert pane.current.path == "/items/0"
        for _ in range(20):
            await person.press("pageup")
        place = 20 * (pane.body_height - 1)
        assert pane.current.path == f"/items/{place}"
        assert paths(person) == sorted(paths(person), key=lambda p: -int(p[7:]))
        await person.press("home")

        assert pane.current.path == "/items/1299"
        assert pane.cursor == 0

    drive(scenario, fill=many)


@pytest.mark.proves("RN-1", "UI-2")
def test_the_end_of_a_filtered_list_is_the_oldest_match() -> None:
    async def scenario(person: Person) -> None:
        await person.press("slash")
        await person.write("status:500")
        await person.press("enter", "end")
        pane = person.app.requests.list

        assert paths(person) == [f"/items/{n}" for n in range(1200, -1, -100)]
        assert pane.current is not None
        assert pane.current.path == "/items/0"
        assert "13 of 1300" in person.lines[1]

    drive(scenario, fill=many)


# --- empty, loading, error, stale ---


@pytest.mark.proves("ST-1")
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_an_empty_store_says_that_it_listens(size: tuple[int, int]) -> None:
    async def scenario(person: Person) -> None:
        assert "listening: no request yet" in person.text
        await serve(person)
        await person.tick()

        assert paths(person) == ["/new"]
        assert "listening" not in person.text

    drive(scenario, size=size, fill=nothing)


@pytest.mark.proves("ST-3")
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_a_store_that_cannot_be_read_says_so_and_enter_tries_again(size: tuple[int, int]) -> None:
    sessions: list[Fails] = []

    async def scenario(person: Person) -> None:
        assert "! The store is locked by another process." in person.text
        assert "Wait until it is free." in person.text
        sessions[0].broken = False
        await person.press("enter")

        assert person.app.requests.list.count == 9
        assert "locked" not in person.text

    drive(scenario, size=size, wrap=failing(sessions))


@pytest.mark.proves("ST-4")
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_a_store_that_went_away_leaves_what_was_read(size: tuple[int, int]) -> None:
    sessions: list[Fails] = []

    async def scenario(person: Person) -> None:
        sessions[0].broken = False
        await person.press("enter")
        sessions[0].broken = True
        await person.tick()
        assert "stale, next try in 2 s" in person.lines[0]
        assert person.message.startswith("The store is locked by another process.")
        assert person.app.requests.list.count == 9
        await person.press("j")
        assert person.app.requests.list.cursor == 1
        sessions[0].broken = False
        person.app.requests._retry_in = 0.0
        await serve(person)
        await person.tick()

        assert "stale" not in person.lines[0]
        assert paths(person)[0] == "/new"

    drive(scenario, size=size, wrap=failing(sessions))


@pytest.mark.proves("ST-6", "KB-4")
def test_the_title_says_whether_the_store_may_be_written() -> None:
    async def scenario(person: Person) -> None:
        assert person.lines[0].rstrip().endswith("READ-ONLY")
        await person.press("exclamation_mark", "enter")
        assert person.lines[0].rstrip().endswith("WRITE 5m00s")
        person.clock.now_s += 48
        await person.tick()
        assert person.lines[0].rstrip().endswith("WRITE 4m12s")
        person.clock.now_s += 300
        await person.tick()

        assert person.lines[0].rstrip().endswith("READ-ONLY")

    drive(scenario)


@pytest.mark.proves("UI-2")
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_the_preview_tells_how_a_request_failed(size: tuple[int, int]) -> None:
    async def scenario(person: Person) -> None:
        await person.press(*["j"] * 7)

        assert "req-0aa011 failed" in person.text
        assert "! failure     KeyError  tax.py:38  in place_order  #8 of 10" in person.text
        assert "~ before it   /total  118.00  shop.py:30  #7" in person.text

    drive(scenario, size=size)


@pytest.mark.proves("TM-1")
def test_a_second_order_is_told_apart_from_the_first() -> None:
    def twice(store: Store, clock: Ticks) -> Shop:
        made = shop(store, clock)
        record(store, order(clock, 12), stream=StreamId(CountedIds(0xC000).uuid7(clock.now_us)))
        return made

    async def scenario(person: Person) -> None:
        assert paths(person)[0] == "/orders/12"
        assert paths(person).count("/orders/7") == 2  # the order and its fork

    drive(scenario, fill=twice)
