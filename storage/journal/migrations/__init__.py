"""How the tables of the journal became what they are, one step a file."""
