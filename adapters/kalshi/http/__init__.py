"""What can be asked of Kalshi by REST? One method per endpoint, named after it; the supervisor cancels with it, too."""
