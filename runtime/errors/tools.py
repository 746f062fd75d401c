"""What the tools around an app refuse: generated code, doubles, faults of tests."""

from runtime.errors.root import TimescapeError


class GenerateError(TimescapeError, ValueError):
    """Code cannot be generated from what was given (CG-1)."""

    code = "RT951"


class NothingSelectedError(GenerateError):
    """No handler is what code was asked for (CG-1)."""

    code = "RT952"


class UnusedFaultError(TimescapeError, AssertionError):
    """A fault of a test that nothing met (TH-10)."""

    code = "RT954"


class FakeModuleError(TimescapeError, AssertionError):
    """A double was called as the module it stands for cannot be (TH-6)."""

    code = "RT953"


class MissingModuleError(TimescapeError, LookupError):
    """Handlers of a tested app use modules that nobody gave (TH-1)."""

    code = "RT956"


class ToolMissingError(TimescapeError, LookupError):
    """A program of others that a check runs is not on the path (CT-5)."""

    code = "RT955"
