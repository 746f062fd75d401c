"""Claims about forks: streams that go on from a moment of another one."""

from eventstore.events import ANY, NEW
from eventstore.identifiers import Revision
from eventstore.store import Store
from eventstore.testing.claims import equal, proves, refused, true
from eventstore.testing.fakes import MOST_EVENTS, CountingReducer, placed, several, stream

_ROOT, _FORK, _LEAF = stream(1), stream(2), stream(3)


def _root(store: Store) -> None:
    for count in (3, 300, 2):
        store.append(_ROOT, several(count), kind="order", expected=ANY).result()


class Forking:
    """What any store does with a fork."""

    @proves("FK-1")
    def test_a_fork_goes_on_from_its_parents_revision(self, store: Store) -> None:
        _root(store)
        commit = store.append(
            _FORK, several(2), kind="order", expected=NEW, parent=(_ROOT, Revision(4))
        ).result()
        equal((commit.first, commit.last), (5, 6))
        head = store.head(_FORK)
        equal((head.revision, head.parent, head.parent_revision), (6, _ROOT, 4))
        equal(store.append(_FORK, [placed()], kind="order", expected=6).result().first, 7)
        with refused("wrong-revision"):
            store.append(_FORK, [placed()], kind="order", expected=4).result()

    @proves("FK-1")
    def test_a_fork_is_read_with_its_prefix(self, store: Store) -> None:
        _root(store)
        fork_at = 302
        store.append(
            _FORK, several(3, 900), kind="order", expected=NEW, parent=(_ROOT, Revision(fork_at))
        ).result()
        store.append(_ROOT, several(4, 500), kind="order", expected=ANY).result()
        whole = [*store.read(_ROOT, 1, fork_at), *store.read(_FORK, fork_at + 1)]
        equal([event.revision for event in whole], list(range(1, 306)))
        equal(list(store.read(_FORK)), whole)
        for first, last in ((1, 3), (1, 302), (300, 304), (302, 303), (303, 303), (305, 305)):
            equal(list(store.read(_FORK, first, last)), whole[first - 1 : last])

    @proves("FK-1")
    def test_forks_of_forks_share_every_prefix(self, store: Store) -> None:
        store.append(_ROOT, several(4), kind="order", expected=NEW).result()
        store.append(
            _FORK, several(3, 10), kind="order", expected=NEW, parent=(_ROOT, Revision(2))
        ).result()
        store.append(
            _LEAF, several(1, 20), kind="order", expected=NEW, parent=(_FORK, Revision(4))
        ).result()
        early = stream(4)
        store.append(
            early, several(1, 30), kind="order", expected=NEW, parent=(_FORK, Revision(1))
        ).result()
        equal([event.data.quantity for event in store.read(_LEAF)], [1, 2, 10, 11, 20])
        equal([event.data.quantity for event in store.read(early)], [1, 30])
        equal([event.data.quantity for event in store.read(_LEAF, 1, 1)], [1])
        folded = store.fold(CountingReducer(), _LEAF, 4)
        equal((folded.state.events, folded.state.quantity), (4, 24))

    @proves("FK-1")
    def test_a_fork_may_begin_before_everything_or_at_the_end(self, store: Store) -> None:
        _root(store)
        for number, revision in ((10, 0), (11, 305)):
            commit = store.append(
                stream(number), [placed()], kind="order", expected=NEW,
                parent=(_ROOT, Revision(revision)),
            ).result()  # fmt: skip
            equal(commit.first, revision + 1)
            equal(sum(1 for _ in store.read(stream(number))), revision + 1)

    @proves("FK-1")
    def test_a_closed_stream_can_be_forked(self, store: Store) -> None:
        store.append(_ROOT, several(3), kind="order", expected=NEW, close=True).result()
        store.append(
            _FORK, [placed()], kind="order", expected=NEW, parent=(_ROOT, Revision(3))
        ).result()
        true(not store.head(_FORK).closed, "the fork is closed")

    @proves("FK-1")
    def test_a_moment_that_is_not_there_cannot_be_forked(self, store: Store) -> None:
        store.append(_ROOT, several(3), kind="order", expected=NEW).result()
        end = store.end()
        for parent, revision in ((_ROOT, 4), (stream(9), 1), (stream(9), 0)):
            with refused("no-such-revision"):
                store.append(
                    _FORK, [placed()], kind="order", expected=NEW,
                    parent=(parent, Revision(revision)),
                ).result()  # fmt: skip
        equal((store.end(), store.head(_FORK).revision), (end, 0))

    @proves("FK-1")
    def test_a_fork_is_a_new_stream(self, store: Store) -> None:
        store.append(_ROOT, several(3), kind="order", expected=NEW).result()
        store.append(_FORK, several(3), kind="order", expected=NEW).result()
        with refused("wrong-revision"):
            store.append(
                _FORK, [placed()], kind="order", expected=NEW, parent=(_ROOT, Revision(3))
            ).result()
        for expected, parent in ((ANY, _ROOT), (3, _ROOT), (NEW, _LEAF)):
            with refused("invalid-fork"):
                store.append(
                    _LEAF, [placed()], kind="order", expected=expected,
                    parent=(parent, Revision(1)),
                ).result()  # fmt: skip
        with refused("wrong-revision"):
            store.append(_ROOT, [placed()], kind="order", expected=NEW).result()

    @proves("FK-1", "ES-3")
    def test_a_fork_cannot_be_begun_again_as_a_plain_stream(self, store: Store) -> None:
        store.append(_ROOT, several(3), kind="order", expected=NEW).result()
        store.append(
            _FORK, [placed()], kind="order", expected=NEW, parent=(_ROOT, Revision(3))
        ).result()
        with refused("wrong-revision") as refusal:
            store.append(_FORK, [placed()], kind="order", expected=NEW).result()
        equal(refusal.error.fields["actual"], 4)

    @proves("FK-1")
    def test_sixteen_ancestors_are_enough(self, store: Store) -> None:
        store.append(stream(100), [placed()], kind="order", expected=NEW).result()
        for depth in range(1, 17):
            store.append(
                stream(100 + depth), [placed()], kind="order", expected=NEW,
                parent=(stream(99 + depth), Revision(depth)),
            ).result()  # fmt: skip
        equal(sum(1 for _ in store.read(stream(116))), 17)
        with refused("fork-too-deep"):
            store.append(
                stream(117), [placed()], kind="order", expected=NEW,
                parent=(stream(116), Revision(17)),
            ).result()  # fmt: skip

    @proves("FK-1", "ES-6")
    def test_the_prefix_counts_towards_the_longest_stream(self, store: Store) -> None:
        store.append(_ROOT, several(MOST_EVENTS), kind="short", expected=NEW).result()
        with refused("stream-too-long"):
            store.append(
                _FORK, several(2), kind="short", expected=NEW,
                parent=(_ROOT, Revision(MOST_EVENTS - 1)),
            )  # fmt: skip

    @proves("FK-1")
    def test_the_forks_of_a_stream_are_listed_in_order(self, store: Store) -> None:
        store.append(_ROOT, several(3), kind="order", expected=NEW).result()
        equal(store.forks_of(_ROOT), [])
        for number, revision in ((30, 2), (20, 1), (25, 3)):
            store.append(
                stream(number), several(300), kind="order", expected=NEW,
                parent=(_ROOT, Revision(revision)),
            ).result()  # fmt: skip
        equal(store.forks_of(_ROOT), [stream(30), stream(20), stream(25)])
        first = store.read_log(kinds=["order"], first_rows_only=True)
        equal([row.stream for row in first], [_ROOT, stream(30), stream(20), stream(25)])
        equal([(row.parent, row.parent_revision) for row in first[1:3]], [(_ROOT, 2), (_ROOT, 1)])
        equal(store.count_streams("order"), 4)
        equal(store.verify().fault, None)
