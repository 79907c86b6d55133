"""A run of the metrics: bundles, tables, folder of results, kept light curves."""
