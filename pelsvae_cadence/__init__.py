"""Learned periodic variable stars, observed at simulated LSST and ZTF cadences."""

__version__ = "0.1.0"
