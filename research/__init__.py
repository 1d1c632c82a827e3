"""What did we learn? Reports and statistics by evidence class; runs nothing itself."""
