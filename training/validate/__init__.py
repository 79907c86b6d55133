"""Figures of merit of the training set, populations and photometry."""
