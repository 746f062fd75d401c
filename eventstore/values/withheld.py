"""A value that was left out of the record, handed to code that runs again.

It may be passed on, and is written down as `$redacted`, as what it stands for was. Whoever
looks at it, in whatever way, is refused: what came of a made-up value would be no replay.
"""

from collections.abc import Callable
from typing import Any, NoReturn


class Withheld:
    """Stands where a value was left out; every look at it calls *refuse*, which raises.

    Args:
        refuse: raises; what it raises should pass `except Exception`.
    """

    __slots__ = ("_refuse_",)

    def __init__(self, refuse: Callable[[], NoReturn]) -> None:
        object.__setattr__(self, "_refuse_", refuse)

    def _look(self, *_args: object, **_kwargs: object) -> Any:
        object.__getattribute__(self, "_refuse_")()

    # `isinstance` asks for it, so that a check of the type is a look as well. `type` does not.
    __class__ = property(_look)
    __getattr__ = __setattr__ = __delattr__ = _look
    __repr__ = __str__ = __format__ = __bytes__ = __hash__ = _look
    __bool__ = __len__ = __iter__ = __contains__ = __getitem__ = __call__ = _look
    __setitem__ = __delitem__ = __next__ = __reversed__ = __enter__ = __exit__ = _look
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _look
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __rmod__ = _look
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __pow__ = __rpow__ = _look
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __matmul__ = _look
    __int__ = __float__ = __index__ = __complex__ = __neg__ = __pos__ = __abs__ = _look
    __round__ = __invert__ = __lshift__ = __rshift__ = __await__ = __fspath__ = _look
    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = _look
