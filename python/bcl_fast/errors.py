"""The one exception type for input that a user can mend."""

from __future__ import annotations


class InputError(ValueError):
    """A file, an array or an option that cannot be used as it is.

    The message is one sentence that says what was wanted and what came; the command line prints it and exits with 1.
    """
