"""The report of a comparison: one page with its tables and pictures."""
