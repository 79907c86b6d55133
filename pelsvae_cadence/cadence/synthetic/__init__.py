"""Synthetic surveys: visits of LSST and ZTF drawn from the statistics of real pointings."""
