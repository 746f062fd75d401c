"""Capabilities where the runtime is: checked at every use, then done (CP-1)."""

import os
from socket import socket
from typing import IO, Any, Protocol

from eventstore import Clock
from runtime.errors import CapabilityDeniedError, SecretUnavailableError
from runtime.facts import Fact
from runtime.isolation.context import Mode
from runtime.isolation.dialling import dial, ranges_of
from runtime.isolation.failing import NotGranted
from runtime.isolation.files import open_below
from runtime.isolation.uses import UseCounts
from runtime.manifests.capabilities import Grant, allows
from runtime.secrets import Secret, SecretCache, Wish, check_name


class Telling(Protocol):
    """Tells the log."""

    def tell(self, fact: Fact, key: str) -> None:
        """Write *fact* down."""
        ...

    def deny(self, module: str, kind: str, argument: str, request_id: str) -> None:
        """Write down that *module* asked for what it may not have."""
        ...


class InForce(Protocol):
    """The grants, as they are now."""

    def of(self, module: str) -> tuple[tuple[str, str], ...]:
        """Give kind and pattern of all that *module* may use."""
        ...


class Capabilities:
    """What one module may use.

    Args:
        module: its name.
        grants: in force.
        secrets: where secrets come from; what it gave is kept out of texts.
        teller: tells the log.
        clock: of the log.
    """

    def __init__(
        self, module: str, grants: InForce, secrets: SecretCache, teller: Telling, clock: Clock
    ) -> None:
        self._module = module
        self._grants = grants
        self._secrets = secrets
        self._teller = teller
        self._uses = UseCounts(lambda fact: teller.tell(fact, module))
        self._clock = clock

    def of(self, request_id: str) -> "HostHandles":
        """Return the handles for a call in the service of a request."""
        return HostHandles(self, request_id)

    def scrub(self, text: str) -> str:
        """Take the secrets that anybody was given out of *text*."""
        return self._secrets.scrubber.text(text, f"module {self._module}")

    def check(self, kind: str, argument: str, request_id: str) -> None:
        """Refuse what is not granted now.

        Raises:
            CapabilityDeniedError: the log knows of it.
        """
        reaching = [
            each.patterns[0] for each in self.patterns(kind) if allows([each], kind, argument)
        ]
        if not reaching:
            raise self.denied(kind, argument, request_id)
        for pattern in reaching:
            self._uses.note(kind, pattern)

    def used(self, kind: str, pattern: str) -> None:
        """Count a use of a grant that `check` does not see."""
        self._uses.note(kind, pattern)

    def close(self) -> None:
        """Tell of all uses."""
        self._uses.flush()

    def denied(self, kind: str, argument: str, request_id: str) -> CapabilityDeniedError:
        """Tell the log of a denial; return the error to raise."""
        self._teller.deny(self._module, kind, argument[:200], request_id)
        return CapabilityDeniedError(
            problem=f"Module {self._module} was not granted {kind} of {argument[:200]!r}.",
            remedy=f'Declare it: Module(…, capabilities=[grant("{kind}", …)]).',
        )

    async def read(self, name: str) -> Secret:
        """Read a secret.

        Raises:
            SecretUnavailableError: there is none.
        """
        found = (await self._secrets.fulfil(Wish((name,)), self._clock())).get(name)
        if found is None:
            msg = f"There is no secret {name!r}."
            raise SecretUnavailableError(msg, "Give it to the process, or ask for another.")
        return Secret(name, found.version, found.value)

    def patterns(self, kind: str) -> list[Grant]:
        """Give the grants of a kind that are in force, one pattern each."""
        return [Grant(each, (one,)) for each, one in self._grants.of(self._module) if each == kind]


class HostHandles:
    """The handles of one call."""

    def __init__(self, capabilities: Capabilities, request_id: str) -> None:
        self._capabilities = capabilities
        self._request_id = request_id

    async def secret(self, name: str) -> Secret:
        """Check, then read."""
        check_name(name)
        self._capabilities.check("secret.read", name, self._request_id)
        return await self._capabilities.read(name)

    async def open(self, path: str, mode: Mode) -> IO[Any]:
        """Check, then open."""
        descriptor = await self.descriptor(path, mode)
        return os.fdopen(descriptor, mode, encoding=None if "b" in mode else "utf-8")

    async def descriptor(self, path: str, mode: Mode) -> int:
        """Check, then open; give the descriptor."""
        kind = "fs.read" if mode in {"r", "rb"} else "fs.write"
        self._capabilities.check(kind, path, self._request_id)
        roots = [each.patterns[0] for each in self._capabilities.patterns(kind)]
        try:
            return open_below(roots, path, mode)
        except NotGranted as error:
            raise self._capabilities.denied(kind, path, self._request_id) from error

    async def connect(self, place: str) -> socket:
        """Check the name, then every address of it, then connect."""
        self._capabilities.check("net.connect", place, self._request_id)
        ranges = self._capabilities.patterns("net.connect")
        try:
            made = await dial(place, ranges)
        except NotGranted as error:
            raise self._capabilities.denied("net.connect", place, self._request_id) from error
        address, port, *_ = made.getpeername()
        for pattern in ranges_of(address, port, ranges):
            self._capabilities.used("net.connect", pattern)
        return made

    async def use(self, kind: str, name: str) -> None:
        """Check, and no more."""
        self._capabilities.check(kind, name, self._request_id)
