"""The one exception tree.

    UnclipError
    ├── InvalidArgument     a value that a user gave: names the argument and what it may be
    ├── BundleError         a model folder that is incomplete, altered or not ours to open
    ├── CorpusError         corpus packages that are absent, or a store that cannot be read
    └── Cancelled           the caller stopped the work

Our own invariants are `assert`s, never one of these.
"""


class UnclipError(Exception):
    """Base of every error that is meant to be read by a person."""


class InvalidArgument(UnclipError):
    """A user's value cannot be used.

    Args:
        argument: name of the argument, as the user wrote it (`n`, `size`, `prompt`).
        problem: what is wrong and what it may be, as a clause: "is 11; it may be 1 to 10".
    """

    def __init__(self, argument: str, problem: str) -> None:
        super().__init__(f"{argument} {problem}")
        self.argument = argument
        self.problem = problem


class BundleError(UnclipError):
    """A bundle cannot be loaded or saved; the message names the file and the reason."""


class CorpusError(UnclipError):
    """The corpus cannot be built or read; the message says what to install or run."""


class Cancelled(UnclipError):
    """The caller asked for the work to stop."""
