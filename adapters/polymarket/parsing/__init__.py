"""Polymarket's messages as facts. Pure."""
