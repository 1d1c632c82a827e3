"""How do bytes travel safely?"""
