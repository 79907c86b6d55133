"""Counts of light curves after each preprocessing step, with reasons for rejection."""

from __future__ import annotations

import pandas as pd

from pelsvae_cadence.training.preprocess.cleaning import STEPS

__all__ = ["count_reasons", "format_counts"]


def _count_steps(log: pd.DataFrame) -> pd.DataFrame:
    """Count the light curves of each class after each step, like Table 1 of the paper."""
    classes = sorted(log["star_class"].unique())
    counts = pd.DataFrame(index=pd.Index([*classes, "total"], name="class"))
    left = pd.Series(True, index=log.index)
    for step in ("files", *STEPS):
        left &= log["step"] != step
        per_class = log.loc[left, "star_class"].value_counts().reindex(classes, fill_value=0)
        counts[step] = [*per_class.tolist(), int(left.sum())]
    return counts


def count_reasons(log: pd.DataFrame) -> pd.DataFrame:
    """Count the rejected light curves by reason and class.

    Parameters
    ----------
    log : DataFrame
        The log of `pelsvae_cadence.training.preprocess.cleaning.clean_light_curves`.

    Returns
    -------
    DataFrame
        One row per (step, reason), one column per class, and ``total``; it adds up to the number
        of rejected light curves.
    """
    rejected = log[log["step"] != ""]
    step = pd.Categorical(rejected["step"], categories=STEPS, ordered=True)
    counts = (
        rejected.assign(step=step)
        .groupby(["step", "reason", "star_class"], observed=True)
        .size()
        .unstack(fill_value=0)
    )
    counts.columns.name = None
    counts["total"] = counts.sum(axis=1)
    return counts


def format_counts(log: pd.DataFrame) -> str:
    """Lay out all counts as plain text."""
    reasons = count_reasons(log)
    kept = log[log["step"] == ""]
    merged = log["n_merged"]
    by_mag, by_err, raw = (int(kept[c].sum()) for c in ("n_clipped_mag", "n_clipped_err", "n_raw"))
    mended = (
        f"Mended: {int(log['times_sorted'].sum())} light curves with unsorted times were sorted, "
        f"{int(merged.sum())} repeated points of {int((merged > 0).sum())} light curves merged."
    )
    periods = (
        f"Periods: {int(kept['period_estimated'].sum())} of the kept stars have a period that was "
        "searched for here."
    )
    clipped = (
        f"Clipped from the kept light curves: {by_mag} points by magnitude and {by_err} by error, of {raw}."
    )
    lines = [
        "Light curves left after each step",
        _count_steps(log).to_string(),
        "",
        "Rejected",
        reasons.to_string() if len(reasons) else "none",
        "",
        mended,
        periods,
        clipped,
    ]
    return "\n".join(lines)
