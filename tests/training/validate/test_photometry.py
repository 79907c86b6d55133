"""The relations between bands, judged on real stars they were not learned from."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.stripe82 import load_stripe82
from pelsvae_cadence.training.shapes.harmonic_prior import harmonic_basis, learn_prior
from pelsvae_cadence.training.shapes.rr_lyrae_bands import TABLE_FILE, learn_bands
from pelsvae_cadence.training.validate.photometry import photometry_report


def test_learned_and_judging_stars_do_not_overlap(shared_data):
    stars = load_stripe82(shared_data)
    assert len(stars) == 250
    for subtype, n in (("RRab", 196), ("RRc", 54)):
        learned, judging = (set(stars.rows(subtype, judged=v).tolist()) for v in (False, True))
        assert not learned & judging
        assert len(learned) + len(judging) == n
        assert min(len(learned), len(judging)) > 0.4 * n


def test_the_committed_table_is_the_one_the_command_makes(shared_data):
    made = learn_bands(load_stripe82(shared_data))
    committed = json.loads(TABLE_FILE.read_text(encoding="utf-8"))
    assert made.keys() == committed.keys()
    for subtype in ("RRab", "RRc"):
        for name, value in made[subtype].items():
            np.testing.assert_allclose(value, committed[subtype][name], atol=2e-4)


@pytest.mark.slow
def test_must_holds_on_real_stars(shared_data):
    report = photometry_report(data=shared_data)
    judged = [f for f in report.figures if f.passed is not None]
    assert [f"{f.name}: {f.value:.4g}, {f.target}" for f in judged if not f.passed] == []
    assert len(judged) >= 24


def test_a_prior_finds_the_curves_behind_few_points():
    """Stars of one family, ten noisy points each: the fit is better than the points."""
    rng = np.random.default_rng(0)
    mean = np.array([-0.3, -0.1, 0.05, 0.1, 0.05, 0.0])
    stars, truth = [], []
    for _ in range(60):
        coefficients = mean * rng.normal(1.0, 0.3)
        phase = rng.uniform(size=12)
        mag = 17.0 + harmonic_basis(phase, 3) @ coefficients + rng.normal(0.0, 0.03, 12)
        stars.append((phase, mag, np.full(12, 0.03)))
        truth.append(coefficients)
    prior = learn_prior(stars, n_harmonics=3)
    np.testing.assert_allclose(prior.mean, np.mean(truth, axis=0), atol=0.02)
    error = [prior.fit(points)[0] - c for points, c in zip(stars, truth, strict=True)]
    assert np.sqrt(np.mean(np.square(error))) < 0.012


def test_missing_data(tmp_path):
    with pytest.raises(InputError, match=r"sdss_s82_rrlyr_ugriz\.npz is not in"):
        load_stripe82(tmp_path)
