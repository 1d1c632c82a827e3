"""Kalshi: binary contracts of a regulated exchange in the United States, in dollars."""
