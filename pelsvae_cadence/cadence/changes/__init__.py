"""Changed cadences: strategies, joint surveys, executed visits, thinning."""
