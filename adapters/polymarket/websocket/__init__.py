"""How do Polymarket's streams reach us? Connections that come back, subscriptions that come back with them."""
