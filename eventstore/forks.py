"""How many forks lie between this process and the one that loaded this program.

What a forked child inherits must not be used as if it were the child's own: open files, a
writer's thread, a pool of random bytes. Whoever holds such a thing keeps the `generation`
it was made in and compares. A system call such as `getpid` would tell it as well, and cost
a hundred times as much on the way of each request.
"""

import os


class Process:
    """This process; never an instance of it."""

    generation = 0
    """Rises in each forked child."""


def _forked() -> None:
    Process.generation += 1


os.register_at_fork(after_in_child=_forked)
