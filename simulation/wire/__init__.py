"""What does a venue say on the wire? Servers on loopback that speak a venue's protocol, for rehearsals.

Written from the protocol pages alone and sharing no code with the adapters they check.
"""
