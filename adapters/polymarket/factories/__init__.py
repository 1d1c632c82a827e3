"""How are Polymarket's clients built? `data` never loads what can place an order; `execution` does."""
