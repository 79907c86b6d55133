"""Cost of reading a star with the model beside other packages, in one process.

Only ratios mean anything: all sides look at the same star of 29 points and at frequencies of the same range, and
are charged for processor time. ``pelsvae_cadence validate inference --sets cost`` does the same with more stars, and
at ten years.
"""

from __future__ import annotations

import time

import pytest

from pelsvae_cadence import infer, search
from pelsvae_cadence.validate.inference.costs import FEW_POINTS, alternatives, few_point_stars

pytestmark = pytest.mark.slow

RR_LYRAE = (0.2, 1.2)
SHARE = 0.1  # of the frequencies that the others try: their cost is that of each


def _seconds(call) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


@pytest.fixture(scope="module")
def star():
    stars = few_point_stars(2, seed=1)
    infer(stars.take([1]), period_range=RR_LYRAE)  # the bank is built once for all stars
    return stars.star(0)


@pytest.fixture(scope="module")
def ours(star):
    return _seconds(lambda: infer(star, period_range=RR_LYRAE))


# The least ratios are far below what is measured: machines are busy.
@pytest.mark.parametrize(("name", "least"), [("astropy", 0.02), ("FastTemplatePeriodogram", 0.5)])
def test_reading_beside(benchmark, star, ours, name, least):
    others = alternatives(star, SHARE)
    if name not in others:
        pytest.skip("FastTemplatePeriodogram is not installed: pip install ftperiodogram")
    ratio = _seconds(others[name]) / SHARE / ours
    benchmark.extra_info[f"{name} / this"] = round(ratio, 2)
    benchmark.pedantic(others[name], rounds=1)
    assert star.n_points == FEW_POINTS
    assert ratio > least


def test_reading_beside_the_search(benchmark, star, ours):
    """What few points are worth costs: every frequency is compared with every kind of star."""
    ratio = ours / _seconds(lambda: search(star, period_range=RR_LYRAE))
    benchmark.extra_info["this / search"] = round(ratio, 1)
    benchmark.pedantic(lambda: search(star, period_range=RR_LYRAE), rounds=3)
    assert ratio < 5000.0
