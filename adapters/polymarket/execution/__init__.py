"""How do orders reach Polymarket, and what became of them? Commands to requests, messages to order events."""
