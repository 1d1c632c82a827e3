"""What did we decide, send and trade, and what must a restart know?"""
