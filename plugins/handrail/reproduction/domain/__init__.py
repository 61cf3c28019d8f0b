"""What a reproduction compares, and how the parts decide the whole."""
