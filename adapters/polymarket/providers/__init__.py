"""Which markets are there, what is each, and how does it fare from listing to payout? Pure but for `catalogue`."""
