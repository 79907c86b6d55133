"""Stars and light curves of the archives: OGLE, Stripe 82, and how they are split."""
