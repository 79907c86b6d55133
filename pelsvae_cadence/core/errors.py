"""InputError: input that cannot be used, with the allowed range and the remedy."""

from __future__ import annotations

__all__ = ["InputError"]


class InputError(ValueError):
    """An input that cannot be used, with the way out.

    The command line turns it into one line and exit code 2; everything else is a bug and keeps
    its traceback.

    Parameters
    ----------
    problem : str
        What is wrong: the subject and the offending value.
    allowed : str, optional
        The values or range that would be accepted.
    remedy : str, optional
        What to do about it.
    """

    def __init__(self, problem: str, *, allowed: str = "", remedy: str = "") -> None:
        self.problem = problem
        self.allowed = allowed
        self.remedy = remedy
        message = problem.rstrip(".")
        if allowed:
            message += f"; allowed: {allowed}"
        if remedy:
            message += f". {remedy}"
        super().__init__(message)
