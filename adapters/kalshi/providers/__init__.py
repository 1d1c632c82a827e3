"""Which markets are there, what is each, and how does it fare from opening to payout? Pure but for `catalogue`."""
