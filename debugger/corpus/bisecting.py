"""Find the first version that answers a request otherwise (RP-5). Pure but for its probes."""

from collections.abc import Callable, Mapping, Sequence

import msgspec


class Probe(msgspec.Struct, frozen=True):
    """How one version answered."""

    version: str
    answer: str = ""
    """Equal answers have equal texts."""
    shown: str = ""
    """The answer for people: `200`."""
    problem: str = ""
    """Why it cannot be run; `` if it can."""


class Bisection(msgspec.Struct, frozen=True):
    """What was found."""

    verdict: str
    """found, same: both ends answer alike, unusable: an end cannot be run."""
    probes: Mapping[str, Probe]
    """All versions that were tried, by name, in the order of the line."""
    last_good: str = ""
    first_bad: str = ""
    monotone: bool = True
    """Whether each version that was tried answers as one of the ends does."""
    skipped: tuple[str, ...] = ()
    """Versions between the ends that cannot be run."""


def bisect(line: Sequence[str], run: Callable[[str], Probe]) -> Bisection:
    """Run both ends of *line*, then what lies halfway, until good and bad are neighbours.

    A version is good if it answers as the first does. Besides the ends and versions that
    cannot be run, at most the binary logarithm of their number is run.

    Args:
        line: versions, from the good end to the bad one, at least two.
        run: runs the request by a version.
    """
    probes: dict[str, Probe] = {}

    def probe(version: str) -> Probe:
        probes[version] = run(version)
        return probes[version]

    good, bad = probe(line[0]), probe(line[-1])
    if good.problem or bad.problem:
        return Bisection("unusable", probes)
    if good.answer == bad.answer:
        return Bisection("same", probes)
    low, high, between = line[0], line[-1], list(line[1:-1])
    while between:
        middle = len(between) // 2
        found = probe(between[middle])
        if found.problem:
            del between[middle]
        elif found.answer == good.answer:
            low, between = between[middle], between[middle + 1 :]
        else:
            high, between = between[middle], between[:middle]
    return Bisection(
        "found",
        {version: probes[version] for version in line if version in probes},
        low,
        high,
        all(each.problem or each.answer in (good.answer, bad.answer) for each in probes.values()),
        tuple(version for version in line if version in probes and probes[version].problem),
    )
