"""How does Polymarket feed Nautilus' data engine? Books that prove themselves, trades, lives of markets, prices."""
