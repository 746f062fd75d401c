"""Claims about commit ids: what is sent twice is done once."""

from eventstore.events import ANY, NEW
from eventstore.identifiers import Revision
from eventstore.store import Store
from eventstore.testing.claims import equal, proves, refused, true
from eventstore.testing.fakes import placed, several, stream

_S = stream(1)
_ID = b"a commit's id 16"


class Retrying:
    """What any store does with a commit id that it has seen."""

    @proves("ES-4")
    def test_a_retry_gives_the_first_answer(self, store: Store) -> None:
        for number, expected in enumerate((NEW, ANY)):
            name, id_ = stream(number), bytes([number]) * 16
            first = store.append(
                name, several(3), kind="order", expected=expected, commit_id=id_
            ).result()
            end = store.end()
            again = store.append(
                name, several(3), kind="order", expected=expected, commit_id=id_
            ).result()
            equal((first.duplicate, again.duplicate), (False, True))
            equal(
                (again.stream, again.first, again.last, again.position, again.at_us, again.chain),
                (first.stream, first.first, first.last, first.position, first.at_us, first.chain),
            )
            equal(store.end(), end)

    @proves("ES-4")
    def test_a_retry_of_an_exact_revision_is_known_when_the_stream_went_on(
        self, store: Store
    ) -> None:
        store.append(_S, [placed()], kind="order", expected=NEW).result()
        first = store.append(_S, several(2), kind="order", expected=1, commit_id=_ID).result()
        store.append(_S, [placed()], kind="order", expected=3, close=True).result()
        again = store.append(_S, several(2), kind="order", expected=1, commit_id=_ID).result()
        equal((again.position, again.duplicate), (first.position, True))

    @proves("ES-4", "ES-8")
    def test_a_retry_of_a_closing_commit_is_not_refused(self, store: Store) -> None:
        for _ in range(2):
            commit = store.append(
                _S, several(300), kind="order", expected=NEW, commit_id=_ID, close=True
            ).result()
            equal((commit.first, commit.last), (1, 300))
        equal(store.head(_S).revision, 300)

    @proves("ES-4")
    def test_other_events_under_a_known_id_are_refused(self, store: Store) -> None:
        store.append(_S, several(3), kind="order", expected=NEW, commit_id=_ID).result()
        end = store.end()
        for events in (several(2), several(4), several(3, first=2)):
            for expected in (NEW, ANY):
                with refused("commit-id-reused"):
                    store.append(
                        _S, events, kind="order", expected=expected, commit_id=_ID
                    ).result()
        with refused("commit-id-reused"):
            store.append(stream(2), several(3), kind="order", expected=NEW, commit_id=_ID).result()
        equal(store.end(), end)

    @proves("ES-4")
    def test_retries_on_their_way_together_are_one_commit(self, store: Store) -> None:
        tickets = [
            store.append(_S, several(2), kind="order", expected=ANY, commit_id=_ID)
            for _ in range(5)
        ]
        commits = [ticket.result() for ticket in tickets]
        equal([commit.duplicate for commit in commits], [False, True, True, True, True])
        equal({commit.position for commit in commits}, {commits[0].position})
        equal(store.head(_S).revision, 2)

    @proves("ES-4")
    def test_an_old_retry_is_known_by_its_exact_revision_only(self, store: Store) -> None:
        any_id, exact_id = b"any" + _ID[3:], b"exa" + _ID[3:]
        other = stream(2)
        store.append(_S, [placed()], kind="order", expected=NEW, commit_id=exact_id).result()
        store.append(other, [placed()], kind="order", expected=ANY, commit_id=any_id).result()
        tickets = [
            store.append(stream(3), [placed(n)], kind="order", expected=n) for n in range(300)
        ]
        for ticket in tickets:
            ticket.result()
        again = store.append(_S, [placed()], kind="order", expected=NEW, commit_id=exact_id)
        true(again.result().duplicate, "the retry was not known")
        anew = store.append(other, [placed()], kind="order", expected=ANY, commit_id=any_id)
        equal((anew.result().duplicate, store.head(other).revision), (False, 2))

    @proves("ES-4", "FK-1")
    def test_a_retried_fork_is_made_once(self, store: Store) -> None:
        store.append(stream(2), several(5), kind="order", expected=NEW).result()
        for duplicate in (False, True):
            commit = store.append(
                _S,
                [placed()],
                kind="order",
                expected=NEW,
                commit_id=_ID,
                parent=(stream(2), Revision(3)),
            ).result()
            equal((commit.first, commit.duplicate), (4, duplicate))
