"""What modules may be refused for, and what calling them may run into."""

from runtime.errors.registration import RegistrationError
from runtime.errors.root import TimescapeError


class ModuleManifestError(RegistrationError, ValueError):
    """What a module declares cannot be, or its manifest cannot be read (MM-1, MM-2)."""

    code = "RT121"


class ModuleRefusedError(RegistrationError):
    """A module needs what it does not declare, or declares what it is not granted (MM-5)."""

    code = "RT122"


class DependencyError(RegistrationError, LookupError):
    """Modules depend on what is not there, or on each other in a circle (MM-8)."""

    code = "RT123"


class ModuleStartError(TimescapeError, RuntimeError):
    """A module did not start, so nothing is served (MO-2)."""

    code = "RT124"


class IsolationUnavailableError(RegistrationError):
    """This machine cannot give a module the isolation it asks for (IS-1)."""

    code = "RT125"


class ReloadError(TimescapeError, RuntimeError):
    """A module was not started anew; what ran before goes on (MO-7)."""

    code = "RT126"


class RPCError(TimescapeError):
    """A call of a module failed.

    Attributes:
        method: what was called, `stock.release`.
        attempts: how often.
    """

    code = "RT430"
    method: str = ""
    attempts: int = 1


class RPCTimeoutError(RPCError, TimeoutError):
    """A call took longer than its method may; what it did was ended (RPC-5)."""

    code = "RT431"


class RPCSerializationError(RPCError, ValueError):
    """An argument or an answer cannot be carried to or from a module's process (RPC-2)."""

    code = "RT432"


class RPCFrameError(RPCError, ValueError):
    """A call or an answer is too long or too deep (RPC-1)."""

    code = "RT433"


class ModuleCrashedError(RPCError, ConnectionError):
    """The process of a module ended while it was called (MO-6)."""

    code = "RT434"


class PoolTimeoutError(RPCError, TimeoutError):
    """No process of a module became free in time (RPC-7)."""

    code = "RT435"


class CircuitOpenError(RPCError, ConnectionError):
    """A module failed so often that it is not called for a while (RPC-8)."""

    code = "RT436"


class ModuleUnavailableError(RPCError, ConnectionError):
    """A module does not run: it failed, or was stopped (MO-3)."""

    code = "RT437"
