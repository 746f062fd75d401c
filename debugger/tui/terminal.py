"""The terminal as Textual drives it, made to outlive what happens to terminals (RN-7)."""

import contextlib
from typing import IO, Any

from textual.drivers.linux_driver import LinuxDriver


class Deaf:
    """A file that takes what is written even when nobody is there any more.

    Textual's thread that writes ends with the first failure; what is then still to be written
    waits for it for ever, and so does whoever closed the window.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class Terminal(LinuxDriver):
    """Leaves the terminal before it takes it again, also where SIGSTOP gave no warning.

    Else it would find what it had set itself, and give that back at the end.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._file: Any = Deaf(self._file)
        self._away = False

    def suspend_application_mode(self) -> None:
        self._away = True
        super().suspend_application_mode()

    def resume_application_mode(self) -> None:
        if not self._away:
            self.suspend_application_mode()
            self._must_signal_resume = True
        self._away = False
        super().resume_application_mode()
