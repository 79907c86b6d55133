"""Assembly of the open training set from its parts."""
