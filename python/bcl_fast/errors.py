"""What is raised where a user can mend it."""

from __future__ import annotations


class InputError(ValueError):
    """A file, an array or an option that cannot be used as it is.

    The message is one sentence that says what was wanted and what came; the command line prints it and exits with 1.
    """


class MissingExtraError(InputError, ImportError):
    """What was asked for wants a library that is not installed; the message says the command that installs it."""

    def __init__(self, message: str, *, name: str) -> None:
        ImportError.__init__(self, message, name=name)
