"""The vocabulary, continued: what happens to modules while an app runs.

They stand in the app's stream of modules, but for `module.registered`, which is told with
what is deployed. See `runtime.facts` for what holds of all facts.
"""

from typing import ClassVar

from runtime.facts import Fact, Json


class ModuleRegistered(Fact, frozen=True, gc=False):
    """A module became reachable. Key: its name."""

    type: ClassVar[str] = "module.registered"

    methods: tuple[str, ...]
    version: str = ""
    generation: int = 1
    """How often the log has met this module with another manifest."""
    digest: str = ""
    """Of its manifest."""
    manifest: Json = None
    """What a `Module` declares; null for an object that was registered as it is."""
    grants: tuple[tuple[str, str], ...] = ()
    """Capability and pattern, each that it may use."""
    denied: tuple[tuple[str, str], ...] = ()
    """Those it would use and does without."""


class ModuleStarted(Fact, frozen=True, gc=False):
    """A module takes calls. Key: its name."""

    type: ClassVar[str] = "module.started"

    generation: int
    """How often the log has met this module with another manifest, from 1."""
    sequence: int
    """Of the starts of this process; modules stop in the reverse order."""
    enforced: tuple[str, ...] = ()
    """What keeps its process within bounds: `address_space=536870912`; none in process."""


class ModuleStopped(Fact, frozen=True, gc=False):
    """A module takes no more calls. Key: its name."""

    type: ClassVar[str] = "module.stopped"

    killed: bool = False
    """Whether it did not stop in time."""
    generation: int = 0
    """Of the module; 0: not told."""


class ModuleFailed(Fact, frozen=True, gc=False):
    """A module, or a process of it, does not work any more. Key: its name."""

    type: ClassVar[str] = "module.failed"

    reason: str
    """start, crash, timeout, frame, health or circuit."""
    exit_code: int | None = None
    """Of its process."""
    signal: str | None = None
    """That ended its process: `SIGKILL`."""
    output: tuple[str, ...] = ()
    """The last lines it wrote, without the secrets it was given."""
    generation: int = 0
    """Of the module; 0: not told."""


class ModuleRestarted(Fact, frozen=True, gc=False):
    """A module that failed takes calls again. Key: its name."""

    type: ClassVar[str] = "module.restarted"

    attempt: int
    """The failures of late."""
    generation: int
    reason: str = "crash"
    """As it had failed; reload: a new generation takes the calls of new requests."""


class ModuleResized(Fact, frozen=True, gc=False):
    """A module has more processes than it had, or fewer, by what it has to do. Key: its name."""

    type: ClassVar[str] = "module.resized"

    workers: int
    """Processes that it has now."""
    was: int
    """That it had before."""
    reason: str
    """waiting: a call found none free; busy: most worked for long; idle: too few worked."""
    generation: int = 0
    """Of the module."""


class CapabilityGranted(Fact, frozen=True, gc=False):
    """A module may use something from now on. Key: its name."""

    type: ClassVar[str] = "capability.granted"

    capability: str
    pattern: str
    by: str = ""


class CapabilityRevoked(Fact, frozen=True, gc=False):
    """A module may use something no more. Key: its name."""

    type: ClassVar[str] = "capability.revoked"

    capability: str
    pattern: str
    by: str = ""


class CapabilityUsed(Fact, frozen=True, gc=False):
    """A module used what it is granted. Key: its name."""

    type: ClassVar[str] = "capability.used"

    uses: tuple[tuple[str, str, int], ...]
    """Capability, pattern, and how often since it was told last."""


MODULE_FACTS: tuple[type[Fact], ...] = (
    ModuleRegistered,
    ModuleStarted,
    ModuleStopped,
    ModuleFailed,
    ModuleRestarted,
    ModuleResized,
    CapabilityGranted,
    CapabilityRevoked,
    CapabilityUsed,
)
"""All of them."""
