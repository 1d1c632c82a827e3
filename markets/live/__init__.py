"""What does a venue's live market tell, whichever venue it is? A book, its gaps, its life: each thing once."""
