"""Snapshots of a running request, and back to them (SN-2…4)."""

from collections.abc import Mapping

from runtime.context import diff_values
from runtime.errors import DuplicateSnapshotError, SnapshotNotFoundError
from runtime.facts import ContextRestored, ContextSnapshotted
from runtime.lifecycle.run import Lease, Run
from runtime.lifecycle.topics import check_name


def snapshot(run: Run, lease: Lease, name: str | None, site: str | None) -> str:
    """Name the moment that is, and commit what led to it; return its id."""
    if name is not None:
        check_name(name, "snapshot name")
    folding = run.record.state
    moment = f"{run.request_id}@{run.record.revision}"
    key = name or moment
    if key in folding.snapshots:
        msg = f"The request has a snapshot {key!r}."
        raise DuplicateSnapshotError(msg, "Choose another name.")
    values = folding.state.values
    run.record.add_for(lease, ContextSnapshotted(), key, site)
    run.moments[key] = values
    run.record.commit()
    return moment


def restore(run: Run, lease: Lease, name: str, site: str | None) -> None:
    """Make the user state that of the snapshot *name*, by one fact."""
    folding = run.record.state
    key = _find(run, folding.snapshots, name)
    after = dict(run.moments[key])
    fact = ContextRestored(folding.snapshots[key], diff_values(folding.values, after))
    run.record.add_for(lease, fact, key, site)
    run.holdings.replace(after)


def _find(run: Run, snapshots: Mapping[str, int], name: str) -> str:
    if name in snapshots:
        return name
    for key, revision in snapshots.items():
        if name == f"{run.request_id}@{revision}":
            return key
    known = ", ".join(repr(key) for key in snapshots) or "none"
    msg = f"The request has no snapshot {str(name)[:160]!r}."
    raise SnapshotNotFoundError(msg, f"There are: {known}.")
