"""Planning a reproduction, running it, and comparing what it made."""
