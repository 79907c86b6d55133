"""InputError: input that cannot be used, with the allowed range and the remedy."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["InputError", "did_you_mean"]


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


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Make the remedy for a misspelt name.

    Parameters
    ----------
    name : object
        What was written.
    known : iterable of str
        What could have been meant.

    Returns
    -------
    str
        ``"Did you mean 'baseline'?"``, or ``""`` where nothing is like it.

    Examples
    --------
    >>> did_you_mean("basline", ["baseline", "rolling"])
    "Did you mean 'baseline'?"
    """
    spelt = {option.lower(): option for option in known}
    close = get_close_matches(str(name).lower(), spelt, 1)
    return f"Did you mean {spelt[close[0]]!r}?" if close else ""
