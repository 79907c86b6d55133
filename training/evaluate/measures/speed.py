"""Cost of light curves, alone and beside the published network."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from pelsvae_cadence.model.source import LightCurveModel

__all__ = ["milliseconds", "published_ratio"]

_N_STARS, _N_POINTS = 100, 300
_WARM_UP = 300


def _cheapest(function: Callable[[], object], repeats: int) -> float:
    """Processor time in ms: on a busy machine the clock on the wall measures the others."""
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        function()
        times.append(time.thread_time() - start)
    return 1e3 * min(times)


def milliseconds(model: LightCurveModel, *, repeats: int = 30) -> dict[str, float]:
    """Time 100 light curves of 300 points on one thread, from parameters to magnitudes.

    Parameters
    ----------
    model : LightCurveModel
        The model.
    repeats : int
        Repetitions; the cheapest counts.

    Returns
    -------
    dict of str to float
        Processor time in ms, in a warm process: ``"physics"`` where period, temperature, magnitude and amplitude are
        given and latent coordinates are drawn; ``"sample"`` where all but the period is drawn too.
    """
    star_class = "RRLYR" if "RRLYR" in model.classes else model.classes[0]
    kind = "RRab" if star_class == "RRLYR" else None
    known = model.sample(star_class, subtype=kind, n=_N_STARS)
    phase = np.random.default_rng(0).random((_N_STARS, _N_POINTS))
    # A process that simulates a survey has its inner loops compiled after a second or two.
    curves = model.phase_curve(known)
    for _ in range(_WARM_UP):
        curves.evaluate(phase)

    def sample() -> object:
        stars = model.sample(star_class, subtype=kind, period=known.period)
        return stars.amplitude_i[:, None] * model.phase_curve(stars).evaluate(phase)

    bare = replace(known, latent=None)

    def physics() -> object:
        return bare.amplitude_i[:, None] * model.phase_curve(bare).evaluate(phase)

    return {"physics": _cheapest(physics, repeats), "sample": _cheapest(sample, repeats)}


def published_ratio(model: LightCurveModel, folder: str | Path) -> float:
    """Compare with the published decoder, in one process, on one thread.

    The published network is yp4qdw1r: its latent coordinates are given, its 600 steps are the two
    periods of 300 points it was trained on, all stars in one batch.
    """
    import torch

    from pelsvae_cadence.model.blocks import single_thread
    from pelsvae_cadence.model.sequence.networks import training_tags
    from pelsvae_cadence.model.sequence.published import PublishedNetwork, PublishedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PublishedWarning)
        network = PublishedNetwork.load(folder, "yp4qdw1r")
    stars = model.sample("RRab", n=_N_STARS)
    z = torch.as_tensor(network.draw_latent(stars.star_class, stars.star_id), dtype=torch.float32)
    kind = torch.full((_N_STARS,), 6)
    tags = training_tags(2 * _N_POINTS)

    def published() -> object:
        with single_thread():
            return network.vae.decoder(z, tags, kind)

    theirs = _cheapest(published, 3)
    return theirs / milliseconds(model)["physics"]
