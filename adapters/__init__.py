"""How do venues and feeds speak? One folder a source, the same file names in each."""
