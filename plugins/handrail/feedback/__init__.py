"""The feedback plugin: predictions, what the world later said about them, and snapshots of both."""
