"""Counters, gauges and histograms, kept in memory (OB-1, OB-4).

What is kept can be read by tests and is shown by `exposition`. A metric holds at most 2 000
sets of labels; what comes with further ones is counted under one set that says so.
"""

import re
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import ClassVar, TypeAlias, TypeVar

from runtime.errors import MetricError

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Name and value, in order of names."""
Label: TypeAlias = str | int | bool

MAX_SETS = 2_000
OVERFLOW: Labels = (("otel_metric_overflow", "true"),)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Bounds of buckets for durations, as OpenTelemetry advises."""
BYTES = (64.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0)
SUPPRESSED: ContextVar[bool] = ContextVar("timescape_metrics_suppressed", default=False)
"""Whether code runs again, and measures nothing."""
_NAME = re.compile(r"[a-z][a-z0-9_.]{0,127}")
_LABEL = re.compile(r"[a-z][a-z0-9_]{0,63}")
_UNITS = {"s": "seconds", "ms": "milliseconds", "By": "bytes", "1": "", "%": "percent"}


class Metric:
    """What all kinds have in common. Thread-safe.

    Args:
        name: dotted.
        unit: `s`, `By`, `1` or a word; it ends the name that is shown.
        about: one line.
    """

    kind: ClassVar[str]

    def __init__(self, name: str, unit: str, about: str) -> None:
        self.name = name
        self.unit = unit
        self.about = about
        self.shown = shown_name(name, unit, self.kind)
        self._lock = threading.Lock()

    @property
    def takes(self) -> tuple[str, ...]:
        """The names of its samples, which no other metric may use."""
        return (self.shown,)


class Counter(Metric):
    """Only grows."""

    kind = "counter"

    def __init__(self, name: str, unit: str, about: str) -> None:
        super().__init__(name, unit, about)
        self.values: dict[Labels, float] = {}

    @property
    def takes(self) -> tuple[str, ...]:
        return self.shown, f"{self.shown}_total", f"{self.shown}_created"

    def add(self, amount: float = 1, **labels: Label) -> None:
        """Add *amount*.

        Raises:
            MetricError: it is negative or no number, or a label has no name that may be.
        """
        if not amount >= 0:
            msg = f"Counter {self.name!r} was to be changed by {amount!r}."
            raise MetricError(msg, "Counters only grow; use a gauge.")
        if not SUPPRESSED.get():
            self.count(amount, labels_of(labels))

    def count(self, amount: float, labels: Labels) -> None:
        """Add *amount*, with labels that were made before."""
        with self._lock:
            values = self.values
            if labels not in values and len(values) >= MAX_SETS:
                labels = OVERFLOW
            values[labels] = values.get(labels, 0) + amount

    def read(self, **labels: Label) -> float:
        """Return how far it has come."""
        return self.values.get(labels_of(labels), 0)


class Gauge(Metric):
    """Goes up and down."""

    kind = "gauge"

    def __init__(self, name: str, unit: str, about: str) -> None:
        super().__init__(name, unit, about)
        self.values: dict[Labels, float] = {}

    def set(self, value: float, **labels: Label) -> None:
        """Make it *value*.

        Raises:
            MetricError: a label has no name that may be.
        """
        if SUPPRESSED.get():
            return
        made = labels_of(labels)
        with self._lock:
            full = made not in self.values and len(self.values) >= MAX_SETS
            self.values[OVERFLOW if full else made] = value

    def read(self, **labels: Label) -> float | None:
        """Return what it stands at; None: it was never set."""
        return self.values.get(labels_of(labels))


class Tally:
    """What a histogram saw under one set of labels."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """By bucket, not added up; the last is for what is above all bounds."""
        self.sum = 0.0

    def note(self, value: float) -> None:
        """Note *value*."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class Histogram(Metric):
    """How often values of which size came."""

    kind = "histogram"

    def __init__(self, name: str, unit: str, about: str, buckets: Iterable[float]) -> None:
        super().__init__(name, unit, about)
        self.bounds = tuple(sorted(set(map(float, buckets))))
        self.values: dict[Labels, Tally] = {}

    @property
    def takes(self) -> tuple[str, ...]:
        return (self.shown, *(f"{self.shown}_{part}" for part in ("bucket", "sum", "count")))

    def observe(self, value: float, **labels: Label) -> None:
        """Note *value*.

        Raises:
            MetricError: it is no number, or a label has no name that may be.
        """
        if value != value:  # noqa: PLR0124 - only NaN is not
            msg = f"Histogram {self.name!r} was given {value!r}."
            raise MetricError(msg, "Observe a number.")
        if not SUPPRESSED.get():
            self.note(value, labels_of(labels))

    def note(self, value: float, labels: Labels) -> None:
        """Note *value*, with labels that were made before."""
        tally = self.tally(labels)
        with self._lock:
            tally.note(value)

    def tally(self, labels: Labels) -> Tally:
        """Return what is kept under *labels*; who notes in it directly does so in one thread."""
        with self._lock:
            tally = self.values.get(labels)
            if tally is None:
                if len(self.values) >= MAX_SETS:
                    labels = OVERFLOW
                tally = self.values.setdefault(labels, Tally(self.bounds))
            return tally

    def read(self, **labels: Label) -> tuple[int, float]:
        """Return how many values came, and their sum."""
        tally = self.values.get(labels_of(labels))
        return (0, 0.0) if tally is None else (sum(tally.counts), tally.sum)


M = TypeVar("M", bound=Metric)


class Metrics:
    """`gctx.metrics`: the metrics of one runtime."""

    def __init__(self) -> None:
        self._by_name: dict[str, Metric] = {}
        self._taken: dict[str, str] = {}
        self._lock = threading.Lock()

    def counter(self, name: str, unit: str = "1", *, about: str = "") -> Counter:
        """Return the counter of this name; made when it is first asked for.

        Args:
            name: `orders.placed`: letters, digits, `_` and dots.
            unit: `s`, `By`, `1` or a word.
            about: one line for who reads it.

        Raises:
            MetricError: a bad name, or one that something of another kind or unit has.
        """
        return self._get(Counter, name, unit, lambda: Counter(name, unit, about))

    def gauge(self, name: str, unit: str = "1", *, about: str = "") -> Gauge:
        """Return the gauge of this name; see `counter`."""
        return self._get(Gauge, name, unit, lambda: Gauge(name, unit, about))

    def histogram(
        self, name: str, unit: str = "s", *, about: str = "", buckets: Iterable[float] = SECONDS
    ) -> Histogram:
        """Return the histogram of this name; see `counter`. *buckets* are upper bounds."""
        return self._get(Histogram, name, unit, lambda: Histogram(name, unit, about, buckets))

    def all(self) -> tuple[Metric, ...]:
        """Return what there is, by name."""
        with self._lock:
            return tuple(self._by_name[name] for name in sorted(self._by_name))

    def _get(self, kind: type[M], name: str, unit: str, make: Callable[[], M]) -> M:
        with self._lock:
            there = self._by_name.get(name)
            if there is None:
                return self._add(name, unit, make)
        if not isinstance(there, kind) or there.unit != unit:
            msg = f"{name!r} is a {there.kind} in {there.unit!r}, not a {kind.kind} in {unit!r}."
            raise MetricError(msg, "Give each its own name.")
        return there

    def _add(self, name: str, unit: str, make: Callable[[], M]) -> M:
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            msg = f"{str(name)[:80]!a} is no name of a metric."
            raise MetricError(msg, "Use lower-case letters, digits, `_` and dots.")
        if not isinstance(unit, str) or _plain(unit) is None:
            msg = f"{str(unit)[:80]!a} is no unit."
            raise MetricError(msg, "Use `s`, `By`, `1` or a lower-case word.")
        made = make()
        clash = next((self._taken[each] for each in made.takes if each in self._taken), None)
        if clash is not None:
            msg = f"{name!r} would be shown under a name that {clash!r} has."
            raise MetricError(msg, "Name them less alike.")
        self._taken.update(dict.fromkeys(made.takes, name))
        self._by_name[name] = made
        return made

    def __repr__(self) -> str:
        return "<metrics>"


def labels_of(labels: Mapping[str, object]) -> Labels:
    """Return labels as they are kept.

    Raises:
        MetricError: a name that may not be, or a value that is no text, number or bool.
    """
    if not labels:
        return ()
    for name, value in labels.items():
        if _LABEL.fullmatch(name) is None or name == "le":
            raise MetricError(problem=f"{name[:80]!a} is no label.", remedy="Use plain words.")
        if not isinstance(value, str | int):
            msg = f"Label {name!r} was given a {type(value).__qualname__}."
            raise MetricError(msg, "Use text, whole numbers or bools, of which there are few.")
    return tuple(sorted((name, _text(value)) for name, value in labels.items()))


def _text(value: object) -> str:
    text = str(value)
    # Lone surrogates have no UTF-8.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def shown_name(name: str, unit: str, kind: str) -> str:
    """Return the name under which a metric is shown, without the `_total` of counters."""
    shown = name.replace(".", "_")
    if kind == "counter":
        shown = shown.removesuffix("_total")
    word = _plain(unit)
    return shown if not word or shown.endswith(f"_{word}") else f"{shown}_{word}"


def _plain(unit: str) -> str | None:
    known = _UNITS.get(unit)
    return known if known is not None else unit if _LABEL.fullmatch(unit) else None
