"""The release of Handrail, as it stands in what is recorded."""

__version__ = "0.1.0"
