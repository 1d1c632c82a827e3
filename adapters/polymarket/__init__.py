"""How does Polymarket speak? The CLOB of protocol generation 2, in pUSD."""
