"""What a program knows of the stored format, and rows to text and back. Pure.

Every backend writes with `encode_rows` and reads with `RowDecoder`, so that rows of
all backends have the same bytes. A change here changes the stored format.
"""

from eventstore.codec.numbers import Numbers
from eventstore.codec.payloads import from_plain, to_plain
from eventstore.codec.reading import RowDecoder
from eventstore.codec.registry import KINDS, LOG_KIND, Registry, check_type_name
from eventstore.codec.writing import EncodedRow, check_words, encode_rows, split

__all__ = [
    "KINDS",
    "LOG_KIND",
    "EncodedRow",
    "Numbers",
    "Registry",
    "RowDecoder",
    "check_type_name",
    "check_words",
    "encode_rows",
    "from_plain",
    "split",
    "to_plain",
]
