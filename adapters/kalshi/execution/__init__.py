"""What became of our orders at Kalshi? Commands to requests, answers to events, and nothing guessed."""
