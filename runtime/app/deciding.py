"""Decides what a start deploys, and who moves to it (DP-1, DP-2, DP-3).

A version that breaks nobody, or whose callers a transformer serves, takes over those who name
nothing. One that breaks them waits beside what they have, until somebody promotes it.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from runtime.app.dating import refuse_alone, refuse_between, refuse_unserved
from runtime.app.declarations import Declared
from runtime.app.transformers import Transformer, by_handler
from runtime.errors import BreakingDeployError, ManifestError, PolicySyntaxError
from runtime.facts import Fact, Json
from runtime.manifests import HandlerManifest
from runtime.manifests.differences import Difference, Differences, diff
from runtime.manifests.kept import Manifests
from runtime.timescape import HandlerRoutes, RouteTable, Version, VersionId
from runtime.timescape.chains import Chain, chain, step_between
from runtime.timescape.deploying import becomes_newest, deployment, known_as
from runtime.timescape.folding import TableFolding
from runtime.timescape.joining import join
from runtime.timescape.tags import check_tag
from runtime.version_facts import Compared, HandlerDeployed

OnBreaking: TypeAlias = Literal["hold", "activate", "refuse"]
OnRisky: TypeAlias = Literal["report", "refuse"]


class DeployPolicy(msgspec.Struct, frozen=True):
    """What becomes of deploys that break callers, or may."""

    on_breaking: OnBreaking = "hold"
    risky: OnRisky = "report"


def check_policy(on_breaking: str, risky: str) -> DeployPolicy:
    """Return the policy of an app.

    Raises:
        PolicySyntaxError: one is not known.
    """
    try:
        return msgspec.convert({"on_breaking": on_breaking, "risky": risky}, DeployPolicy)
    except msgspec.ValidationError as error:
        raise PolicySyntaxError(
            problem=f"on_breaking={on_breaking!r:.40}, risky={risky!r:.40} is no policy.",
            remedy="Write hold, activate or refuse; and report or refuse.",
        ) from error


class Decision(msgspec.Struct, frozen=True):
    """What becomes of a version that is new."""

    version: str
    handler: str
    edition: str | None
    activation: str
    """now, hold or edition."""
    why: str
    below: str | None
    """Its lower neighbour."""
    differences: Differences
    """From that to it."""
    uncovered: tuple[Difference, ...]
    """Those that break and that no transformer takes care of."""
    effective_us: int = 0
    """From when on it is seen."""


class Deploying:
    """One deployment, version by version.

    Args:
        table: as the log has it.
        kept: manifests that the log keeps.
        declared: the versions of the app.
        transformers: of the app.
        policy: what becomes of breaking ones.
        now_us: the time of the log.
        elsewhere: ids of the versions that other processes have the code of, which serve now.
        operator: who back-dates versions; ``: nobody, then none is.
    """

    def __init__(  # noqa: PLR0913 - what a deployment is decided by
        self,
        table: RouteTable,
        kept: Manifests,
        declared: Sequence[Declared],
        transformers: Sequence[Transformer],
        policy: DeployPolicy,
        now_us: int,
        *,
        elsewhere: frozenset[str] = frozenset(),
        operator: str = "",
    ) -> None:
        self._elsewhere = elsewhere
        self._operator = operator
        self.ids: list[VersionId] = []
        """Of the declared versions, in their order."""
        self.facts: list[tuple[str, Fact]] = []
        self.decisions: list[Decision] = []
        """Of those that are new."""
        self._dated: set[str] = set()
        """Handlers of those that say from when on they are to be seen."""
        self._folding = TableFolding(table)
        self._kept = kept
        self._documents = set(kept.documents)
        self._declared = declared
        self._transformers = by_handler(transformers, declared)
        self._policy = policy
        self._now_us = now_us

    def decide(self) -> None:
        """Fill in what there is to say.

        Raises:
            BreakingDeployError: the policy refuses a version.
            BackfillError: a version that nobody back-dated yet is to count from earlier on.
            ScheduleError: callers would have no code until a version is seen.
            TagNameError: a tag that differs by case alone from one that is there.
            TransformerError: a transformer joins no neighbours, or is other code than it was.
        """
        for version in self._declared:
            self._version(version)
        self._refuse_unserved()
        for handler, transformers in self._transformers.items():
            for each in transformers:
                routes = self._folding.table.handlers[handler]
                fact = join(routes, each.fact(), replace=each.replace)
                if fact is not None:
                    self._folding.join(fact, handler)
                    self.facts.append((handler, fact))

    def backdate(self) -> None:
        """Fill in what there is to say of the versions that count from before now, and no more.

        Raises:
            BackfillError: one would come between two that a transformer joins.
            BreakingDeployError: the policy refuses a version.
            ScheduleError: callers would have no code.
        """
        for version in self._declared:
            if version.since is not None and version.since.backdates(self._now_us):
                self._version(version)
        self._refuse_unserved()

    def _refuse_unserved(self) -> None:
        if self._dated:
            table = self._folding.table
            here = {str(v.id) for routes in table for v in routes.line if self._code_of(v)}
            refuse_unserved(table, here | self._elsewhere, self._dated, self._now_us)

    def _version(self, version: Declared) -> None:
        routes = self._folding.table.handlers.get(version.handler)
        known = known_as(routes, version.edition, version.fingerprint, self._elsewhere)
        if known is not None:
            self.ids.append(known.id)
            return
        for tag in version.tags:
            check_tag(tag, routes.tags_now if routes else ())
        now_us, since = self._now_us + len(self.facts), version.since
        backdates = since is not None and since.backdates(now_us)
        if since is not None and backdates and not self._operator:
            refuse_alone(version.template.text, version.place, since)
        key, fact = deployment(
            routes,
            handler=version.handler,
            route=version.template.text,
            edition=version.edition,
            fingerprint=version.fingerprint,
            digests=_digests(version),
            now_us=now_us,
            effective_us=None if since is None else since.at_us,
            backfill=backdates,
            tags=version.tags,
            run=version.run,
        )
        by = self._operator if backdates else ""
        fact = msgspec.structs.replace(fact, schema=version.schema, by=by)
        if backdates:
            refuse_between(routes, self._with(key, fact), key)
        decision, fact = self._judged(version, routes, key, fact)
        self._refuse(version, decision)
        self.decisions.append(decision)
        self.facts.append((key, fact))
        self._folding.deploy(fact, key, now_us)
        if since is not None:
            self._dated.add(version.handler)
        self.ids.append(VersionId.parse(key))

    def _judged(
        self, version: Declared, routes: HandlerRoutes | None, key: str, fact: HandlerDeployed
    ) -> tuple[Decision, HandlerDeployed]:
        """Compare it with its neighbours, and say who moves to it."""
        manifest = version.manifest
        after = self._with(key, fact)
        new, line = after.versions[key], after.line
        at = line.index(new)
        below = line[at - 1] if at else None
        above = line[at + 1] if at + 1 < len(line) else None
        differences = self._between(below, manifest)
        compared = []
        if below is not None:
            compared.append(_compared(str(below.id), key, self._manifest(below), manifest))
        if above is not None:
            compared.append(_compared(key, str(above.id), manifest, self._manifest(above)))
        fact = msgspec.structs.replace(
            fact,
            diff=tuple(compared),
            declares=self._new_document(manifest),
        )
        after = self._with(key, fact)
        activation, why = self._activation(routes, after, new, version.edition)
        decision = Decision(
            key,
            version.handler,
            version.edition,
            activation,
            why,
            None if below is None else str(below.id),
            differences,
            _uncovered(after, below, new, differences),
            new.effective_us,
        )
        return decision, msgspec.structs.replace(fact, activation=activation)

    def _with(self, key: str, fact: HandlerDeployed) -> HandlerRoutes:
        """Return the routes as they would be, with the transformers of the app."""
        trial = TableFolding(self._folding.table)
        trial.deploy(msgspec.structs.replace(fact, activation="hold"), key, self._now_us)
        for each in self._transformers.get(fact.handler, ()):
            trial.join(each.fact(), fact.handler)
        return trial.table.handlers[fact.handler]

    def _activation(
        self, routes: HandlerRoutes | None, after: HandlerRoutes, new: Version, edition: str | None
    ) -> tuple[str, str]:
        current = None if routes is None else routes.current(new.effective_us)
        if current is None or routes is None:
            return "now", "it is the first version"
        if not becomes_newest(routes, edition, new.effective_us):
            return "edition", "it takes the place of its edition's last version"
        if isinstance(chain(after, current, new), Chain):
            return "now", "callers who name nothing lose nothing"
        return self._breaking(routes, current, new)

    def _breaking(self, routes: HandlerRoutes, current: Version, new: Version) -> tuple[str, str]:
        """Say who moves to a version that breaks the callers of what is *current* at its time."""
        if new.effective_us < self._now_us and routes.current(self._now_us) != current:
            return "now", "what came after it is current, and callers keep that"
        if self._policy.on_breaking == "activate":
            return "now", "it breaks callers, and on_breaking='activate' lets it"
        if self._code_of(current) is None and str(current.id) not in self._elsewhere:
            return "now", "it breaks callers, and there is no other code for them"
        return "hold", "it breaks callers who name nothing: they keep what they have"

    def _refuse(self, version: Declared, decision: Decision) -> None:
        refused: list[Difference] = []
        if self._policy.on_breaking == "refuse":
            refused += decision.uncovered
        if self._policy.risky == "refuse":
            refused += [c for c in decision.differences.changes if c.verdict == "risky"]
        refused = [c for c in refused if c.rule not in version.acknowledged]
        if not refused:
            return
        told = "\n- ".join(f"[{c.rule}] {c.sentence}" for c in refused)
        rules = ", ".join(repr(rule) for rule in dict.fromkeys(c.rule for c in refused))
        raise BreakingDeployError(
            problem=f"{version.template.text} ({version.place}) is not deployed after "
            f"{decision.below}:\n- {told}\n",
            remedy=f"Write a transformer, or say acknowledge=[{rules}] at the handler.",
        )

    def _between(self, below: Version | None, manifest: HandlerManifest | None) -> Differences:
        return Differences() if below is None else _diff(self._manifest(below), manifest)

    def _manifest(self, version: Version) -> HandlerManifest | None:
        """Return the manifest of a version: of the app, or as the log keeps it."""
        code = self._code_of(version)
        return code.manifest if code is not None else self._kept_manifest(version)

    def _kept_manifest(self, version: Version) -> HandlerManifest | None:
        """Return what the log keeps of a version; None: nothing that can be used."""
        try:
            return self._kept.manifest(version.id.handler, str(version.id))
        except ManifestError:
            return None

    def _new_document(self, manifest: HandlerManifest | None) -> Json:
        """Return what the log does not have yet: a document stands in it once (MS-1)."""
        if manifest is None or manifest.digest in self._documents:
            return None
        self._documents.add(manifest.digest)
        return manifest.plain()

    def _code_of(self, version: Version) -> Declared | None:
        for each in self._declared:
            if each.handler == version.id.handler and each.fingerprint == version.fingerprint:
                return each
        return None


def _diff(old: HandlerManifest | None, new: HandlerManifest | None) -> Differences:
    """Compare two manifests; of one that nobody kept nothing is known."""
    return Differences() if old is None or new is None else diff(old, new)


def _compared(
    older: str, newer: str, old: HandlerManifest | None, new: HandlerManifest | None
) -> Compared:
    up = _diff(old, new)
    back = None if old is None or new is None else diff(new, old)
    return Compared(
        older,
        newer,
        up.rules("breaking", "request"),
        up.rules("breaking", "response"),
        up.rules("risky"),
        up.summary,
        up.digest,
        None if back is None else back.rules("breaking", "request"),
        None if back is None else back.rules("breaking", "response"),
    )


def _uncovered(
    after: HandlerRoutes, below: Version | None, new: Version, differences: Differences
) -> tuple[Difference, ...]:
    if below is None:
        return ()
    missing = step_between(after, below, new).missing
    sides = {name.partition("_")[0] for name in missing}
    return tuple(c for c in differences.changes if c.verdict == "breaking" and c.direction in sides)


def _digests(version: Declared) -> tuple[str, str]:
    manifest = version.manifest
    return ("", "") if manifest is None else (manifest.contract, manifest.digest)
