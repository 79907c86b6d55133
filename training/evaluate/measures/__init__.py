"""Measures of a source model, one a module."""
