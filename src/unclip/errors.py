"""The one exception tree.

    UnclipError
    ├── InvalidArgument     a value that a user gave: names the argument and what it may be
    ├── BundleError         a model folder that is incomplete, altered or not ours to open
    ├── Refused             something that the policy does not let through
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


class Refused(UnclipError):
    """The policy does not let something through.

    Args:
        message: why, for the user.
        category, rule: what it fell under and what fired.
        revised_prompt: the nearest prompt that would pass, where there is one.
        may_confirm: it would be drawn if the user said so.
    """

    def __init__(
        self,
        message: str,
        category: str | None = None,
        rule: str | None = None,
        revised_prompt: str | None = None,
        may_confirm: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.category, self.rule = category, rule
        self.revised_prompt, self.may_confirm = revised_prompt, may_confirm


class CorpusError(UnclipError):
    """The corpus cannot be built or read; the message says what to install or run."""


class Cancelled(UnclipError):
    """The caller asked for the work to stop."""
