r"""Expected information of a point that has not been measured, from what hypotheses predict of it.

With hypotheses h of probabilities p_h that predict y ~ N(mu_h, s_h^2), and a label g(h) such as the class,
a measurement of y tells

.. math:: I = \sum_h p_h \int N(y \mid \mu_h, s_h^2)\, \log_2 \frac{p(y \mid g(h))}{p(y)}\, dy

bits of g on average: the mutual information of g and y (Lindley 1956, Ann. Math. Stat. 27, 986). The integrals
are done by Gauss-Hermite quadrature.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Outcomes"]

FloatArray = npt.NDArray[np.float64]

_NODES: Final = 16
_TINY: Final = 1e-300


class Outcomes:
    """Possible outcomes of V measurements under H hypotheses, and what they say of these.

    Parameters
    ----------
    share : ndarray of float64, shape (H,)
        Probabilities of the hypotheses, of sum one.
    mean, variance : ndarray of float64, shape (H, V)
        Their Gaussians.
    """

    def __init__(self, share: FloatArray, mean: FloatArray, variance: FloatArray) -> None:
        node, weight = np.polynomial.hermite_e.hermegauss(_NODES)
        self._weight = share[:, None] * (weight / weight.sum())  # (H, nodes)
        self._share = share
        sigma = np.sqrt(variance)
        # One outcome for each hypothesis, node and measurement.
        y = mean[:, None, :] + sigma[:, None, :] * node[:, None]
        distance = (y[None] - mean[:, None, None, :]) / sigma[:, None, None, :]
        log_density = (
            -0.5 * distance**2 - np.log(sigma)[:, None, None, :] + np.log(share)[:, None, None, None]
        )
        density = np.exp(log_density - log_density.max(axis=0))
        #: Probabilities of the hypotheses after each outcome: (H, H, nodes, V).
        self._after = density / density.sum(axis=0)

    def information(self, label: npt.ArrayLike) -> FloatArray:
        """Give the expected information about a label.

        Parameters
        ----------
        label : array_like of int, shape (H,)
            The label of each hypothesis.

        Returns
        -------
        ndarray of float64, shape (V,)
            Bits, 0 or more.
        """
        names, which = np.unique(np.asarray(label), return_inverse=True)
        member = (np.arange(names.size)[:, None] == which).astype(np.float64)  # (G, H)
        before = member @ self._share
        after = np.tensordot(member, self._after, axes=1)  # (G, H, nodes, V)
        of_own = np.take_along_axis(after, which[None, :, None, None], axis=0)[0]
        ratio = np.log2(np.maximum(of_own, _TINY) / before[which][:, None, None])
        return np.asarray(np.maximum(np.einsum("hk,hkv->v", self._weight, ratio), 0.0))

    def variance_after(self, mean: FloatArray, variance: FloatArray) -> FloatArray:
        """Give the expected variance of a quantity after the measurement.

        Parameters
        ----------
        mean, variance : ndarray of float64, shape (H,)
            Of the quantity under each hypothesis.

        Returns
        -------
        ndarray of float64, shape (V,)
            Expected variances, at most that before the measurement.
        """
        first = np.tensordot(mean, self._after, axes=1)
        second = np.tensordot(variance + mean**2, self._after, axes=1)
        return np.asarray(np.einsum("hk,hkv->v", self._weight, np.maximum(second - first**2, 0.0)))
