"""Statistics of a comparison: paired tests, bootstrap intervals, class scores, summary rows."""
