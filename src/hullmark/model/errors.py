"""The error tree: what happened, where (image, layer, file), and what to do next.

An error of this tree ends the work on one image, feed or command. What merely could not be read inside an
image is no error but a value, `hullmark.model.facts.Unread`.
"""

import enum


class ExitCode(enum.IntEnum):
    """What the process answers to its caller; `OVER_GATE` outranks `INCOMPLETE`."""

    CLEAN = 0
    OVER_GATE = 1
    USAGE = 2
    INCOMPLETE = 3


class HullmarkError(Exception):
    """Something ended early, told so that a person can act on it.

    `what` happened in one clause, `where` names image, layer or file, `hint` says what to do next.
    """

    exit_code = ExitCode.INCOMPLETE

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """Give the whole story in one line."""
        line = f"{self.where}: {self.what}" if self.where else self.what
        return f"{line} ({self.hint})" if self.hint else line


class UsageError(HullmarkError):
    """The command or a setting does not make sense as given."""

    exit_code = ExitCode.USAGE


class BaseError(UsageError):
    """An image that was named as the base could not be had."""


class ImageError(HullmarkError):
    """An image could not be had at all: not found, not allowed, not an image."""


class FeedError(HullmarkError):
    """A feed or the advisory database could not be had or read."""


class LimitError(HullmarkError):
    """A bound was reached while bytes of an image were read."""


class VersionError(HullmarkError):
    """A version text that its scheme cannot order; the finding becomes `undecided`, never 'not affected'."""
