"""What does Polymarket say, field by field? One struct per payload, spelt as the venue spells it."""
