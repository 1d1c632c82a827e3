"""How does what strategies want become subscriptions, and what Kalshi says become data?"""
