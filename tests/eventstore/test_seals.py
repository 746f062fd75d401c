"""Seals as values: notes, trees, marks, keys that vouch for keys."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import seals, signing
from eventstore.seals import Note, Rekeying, Seal

UID = UUID("01a0c450-6c00-7000-8000-0100000000aa")
SEED = bytes(range(32))
OTHER = bytes(range(1, 33))
hashes = st.binary(min_size=32, max_size=32)
chains = st.lists(hashes, min_size=1, max_size=70)
notes = st.builds(
    Note,
    st.just(UID),
    st.integers(0, 1 << 40),
    st.integers(1, 1 << 60),
    st.integers(1, 1 << 60),
    hashes,
    hashes,
    hashes,
    st.integers(0, 4_000_000_000_000_000),
)


def tree(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash as RFC 6962 defines it, word by word."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + tree(leaves[:k]) + tree(leaves[k:])).digest()


def made(of: Sequence[bytes], seed: bytes = SEED) -> Seal:
    return seals.sealed(
        of, uid=UID, epoch=3, first=11, last=10 + len(of), at_us=1_790_000_000_000_001, seed=seed
    )


@pytest.mark.proves("CH-2")
@given(chains)
def test_the_root_is_that_of_rfc_6962(leaves: list[bytes]) -> None:
    assert seals.root_of(leaves) == tree(leaves)


@pytest.mark.proves("CH-2")
def test_a_note_has_these_lines() -> None:
    """What is signed can be read, and checked, without this program."""
    seal = made([b"a" * 32, b"b" * 32])

    assert seal.note.split("\n") == [
        "timescape-seal-v1",
        "01a0c4506c00700080000100000000aa",
        "3",
        "11-12",
        (b"b" * 32).hex(),
        hashlib.sha256(
            b"\1"
            + hashlib.sha256(b"\0" + b"a" * 32).digest()
            + hashlib.sha256(b"\0" + b"b" * 32).digest()
        ).hexdigest(),
        hashlib.sha256(b"aaaabbbb").hexdigest(),
        "2026-09-21T14:13:20.000001Z",
        "",
    ]
    assert seal.marks == b"aaaabbbb"
    assert signing.is_signed(signing.key_of(SEED), seal.note.encode(), seal.signature)


@pytest.mark.proves("CH-2")
@given(notes)
def test_a_note_is_read_as_it_was_written(note: Note) -> None:
    assert seals.read_note(seals.text_of(note)) == note


@pytest.mark.proves("CH-2")
@given(notes, st.data())
def test_no_other_text_is_a_note_of_the_same(note: Note, data: st.DataObject) -> None:
    text = seals.text_of(note)
    at = data.draw(st.integers(0, len(text) - 1))
    other = text[:at] + data.draw(st.characters()) + text[at + 1 :]

    assert other == text or seals.read_note(other) != note


@pytest.mark.proves("CH-5")
@given(chains, st.sampled_from(["note", "marks", "key", "signature"]), st.data())
def test_a_seal_with_another_byte_is_none(of: list[bytes], field: str, data: st.DataObject) -> None:
    seal = made(of)
    value = getattr(seal, field)
    raw = bytearray(value.encode() if field == "note" else value)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    changed = bytes(raw).decode(errors="surrogateescape") if field == "note" else bytes(raw)

    keys = frozenset([seal.key])

    assert seals.fault_of(seal, UID, keys) is None
    assert seals.fault_of(msgspec.structs.replace(seal, **{field: changed}), UID, keys)


@pytest.mark.proves("CH-5")
def test_a_seal_of_elsewhere_is_none() -> None:
    seal = made([b"a" * 32])
    keys = frozenset([seal.key])

    assert seals.fault_of(seal, UUID(int=1), keys)
    assert seals.fault_of(msgspec.structs.replace(seal, first_pos=10), UID, keys)
    assert seals.fault_of(made([b"a" * 32], OTHER), UID, keys)


def rekeyed(new: bytes, previous: bytes, *, signed: bool = True) -> Rekeying:
    return seals.rekeyed(
        UID,
        new=signing.key_of(new),
        previous=signing.key_of(previous),
        seed=previous if signed else None,
    )


@pytest.mark.proves("CH-3")
def test_a_trusted_key_vouches_for_the_next_and_names_the_one_before() -> None:
    first, second, third = (signing.key_of(bytes([n]) * 32) for n in (1, 2, 3))
    facts = [rekeyed(b"\2" * 32, b"\1" * 32), rekeyed(b"\3" * 32, b"\2" * 32, signed=False)]

    assert seals.trusted(UID, [first], facts) == {first, second}
    assert seals.trusted(UID, [third], facts) == {first, second, third}
    assert [seals.is_vouched(UID, fact) for fact in facts] == [True, False]


@pytest.mark.proves("CH-3")
def test_a_signature_for_another_log_vouches_for_nothing() -> None:
    first, second = signing.key_of(SEED), signing.key_of(OTHER)
    fact = seals.rekeyed(UUID(int=7), new=second, previous=first, seed=SEED)

    assert seals.trusted(UID, [first], [fact]) == {first}
