"""Stars meet visits: light curves of stars at the times of a survey."""
