"""Claims about `seal`: what is signed stands, and verifying counts it."""

from unittest import SkipTest

from eventstore.events import NEW
from eventstore.store import Store
from eventstore.testing.claims import equal, proves, refused, true
from eventstore.testing.fakes import placed, several, stream


class Sealing:
    """What any store does that can be sealed."""

    seals = True
    """Capability: the store under test may seal, as the holder of a log."""

    def _need_seals(self) -> None:
        if not self.seals:
            msg = "the store declares that it does not seal"
            raise SkipTest(msg)

    @proves("CH-2", "CH-5")
    def test_what_is_sealed_verifies_and_is_counted(self, store: Store) -> None:
        self._need_seals()
        roots = set()
        for n in range(3):
            store.append(stream(n), several(n + 1), kind="order", expected=NEW).result()
            store.seal()
            said = store.verify()
            equal((said.fault, said.seals, said.sealed_to), (None, n + 1, store.end()))
            roots.add((said.root, said.key))
        equal((len(roots), len({key for _, key in roots})), (3, 1))

    @proves("CH-2")
    def test_sealing_twice_is_once(self, store: Store) -> None:
        self._need_seals()
        for _ in range(2):
            store.seal()
        equal(store.verify().seals, 1)

    @proves("CH-4")
    def test_since_the_last_seal_less_is_read(self, store: Store) -> None:
        self._need_seals()
        store.seal()
        for n in range(3):
            store.append(stream(n), [placed()], kind="order", expected=NEW).result()
        whole, since = store.verify(), store.verify_since_seal()
        equal((since.fault, since.verified_to, since.root), (None, store.end(), whole.root))
        true(since.checked <= whole.checked, "more was read than there is")

    @proves("CH-5")
    def test_a_stream_is_tied_by_its_seals(self, store: Store) -> None:
        self._need_seals()
        store.append(stream(1), several(2), kind="order", expected=NEW).result()
        store.seal()
        store.append(stream(1), [placed()], kind="order", expected=2).result()
        said = store.verify_stream(stream(1))
        equal((said.fault, said.checked, said.seals), (None, 2, 1))

    @proves("CH-2", "LG-5")
    def test_who_may_not_seal_is_refused(self, store: Store) -> None:
        if self.seals:
            msg = "the store declares that it seals"
            raise SkipTest(msg)
        with refused("not-the-holder"):
            store.seal()
