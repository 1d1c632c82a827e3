"""How does Kalshi's stream reach us? Signed connections, subscriptions that come back, gaps that heal."""
