"""One class, one limit, one verdict."""
