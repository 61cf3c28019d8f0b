"""What keeps the promises of acquisition's ports: sources and where rows land."""
