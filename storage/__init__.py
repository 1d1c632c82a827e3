"""How does data enter, stay and leave?"""
