"""How does a venue behave when it is not there?"""
