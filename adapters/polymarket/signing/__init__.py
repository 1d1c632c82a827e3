"""Keys and signatures; nothing in here is ever logged."""
