"""Opening an Optuna study that several processes share.

Optuna is made for many processes on one database, but for its first moment: it looks whether its
tables are there and then makes them, in separate transactions. Of processes that start together
some fail on what another has made in between; what it made is there at the next try.
"""

from __future__ import annotations

import contextlib
import logging
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pelsvae_cadence.core.errors import InputError

if TYPE_CHECKING:
    import optuna

__all__ = ["database_url", "open_study", "quiet_optuna"]

#: Seconds between signs of life of a trial, and after which one without is given to another.
_HEARTBEAT: Final = 30
_GRACE: Final = 120
#: Tries at opening a database, and seconds to wait after the first; one more such after each.
_OPENINGS: Final = 8
_PAUSE: Final = 0.2
#: Seconds that SQLite waits for another process to end its writing.
_SQLITE_WAIT: Final = 60


def open_study(url: str, name: str, about: dict[str, Any], *, seed: int = 0) -> optuna.Study:
    """Open a study, or begin it; other processes may do so at the same moment.

    Parameters
    ----------
    url : str
        SQLAlchemy's URL of the database, such as ``sqlite:////data/study.db``.
    name : str
        Name of the study in its database.
    about : dict
        What the study is about (values as in JSON): noted when it begins, and the same ever after.
    seed : int
        Seed of the search; processes of one study need different ones, or they try the same.

    Returns
    -------
    optuna.Study
        The study: values are minimised by a Gaussian process, trials above the median are stopped
        early, and what a dead process left is given to another.

    Raises
    ------
    InputError
        If the database cannot be opened, or the study was begun about something else.
    """
    import optuna
    from sqlalchemy.exc import ArgumentError, DatabaseError

    for attempt in range(_OPENINGS):
        try:
            with quiet_optuna():
                study = optuna.create_study(
                    storage=_storage(url),
                    sampler=optuna.samplers.GPSampler(seed=seed),
                    pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=2),
                    study_name=name,
                    direction="minimize",
                    load_if_exists=True,
                )
            _check(study, about)
        except DatabaseError as error:
            if attempt == _OPENINGS - 1:
                raise InputError(
                    f"the database of the study, {_shown(url)}, cannot be opened: {error.orig}",
                    remedy="See that it can be written to and holds Optuna's tables or nothing.",
                ) from error
            time.sleep(_PAUSE * (attempt + 1))
        except (ArgumentError, ImportError) as error:
            raise InputError(
                f"the database of the study, {_shown(url)!r}, is not one that SQLAlchemy can open: {error}",
                allowed="a URL such as sqlite:///study.db or postgresql://USER@HOST/NAME",
                remedy="Install the database's driver, or leave --storage out.",
            ) from error
        else:
            return study
    raise AssertionError("the last attempt returns or raises")


@contextlib.contextmanager
def quiet_optuna() -> Iterator[None]:
    """Hold back Optuna's notes on each trial and on its experimental parts."""
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)


def database_url(path: Path) -> str:
    """Give SQLAlchemy's URL of an SQLite file, whatever its name holds (``?``, ``%``).

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        Its URL.
    """
    from sqlalchemy.engine import URL

    return URL.create("sqlite", database=str(path.resolve())).render_as_string(hide_password=False)


def _shown(url: str) -> str:
    """Give the address of a database without its password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url


def _storage(url: str) -> optuna.storages.RDBStorage:
    import optuna
    from sqlalchemy.pool import NullPool

    retry = optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=3)
    return optuna.storages.RDBStorage(
        url,
        # Drivers of other databases refuse the wait. Optuna never closes a pool of connections; without
        # one each is closed when it has done its work, which costs nothing with a file.
        engine_kwargs=(
            {"connect_args": {"timeout": _SQLITE_WAIT}, "poolclass": NullPool}
            if url.startswith("sqlite")
            else None
        ),
        heartbeat_interval=_HEARTBEAT,
        grace_period=_GRACE,
        heartbeat_stale_trial_callback=retry,
    )


def _check(study: optuna.Study, about: dict[str, Any]) -> None:
    """Note what the study is about, or see that it is about the same."""
    known = study.user_attrs.get("options")
    if known is None:
        study.set_user_attr("options", about)
        return
    changed = sorted(k for k in {**known, **about} if known.get(k) != about.get(k))
    if changed:
        raise InputError(
            f"the study {study.study_name!r} was begun with another {', '.join(changed)}",
            remedy="Use another --out-dir or --study.",
        )
