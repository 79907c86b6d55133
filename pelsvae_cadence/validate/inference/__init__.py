"""Figures of merit of the reading of stars: real sets, stars at LSST visits, calibration, cost."""
