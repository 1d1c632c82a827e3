"""What can be asked of Polymarket by REST? One method per endpoint, named after it."""
