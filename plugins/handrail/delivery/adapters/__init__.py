"""The adapters of delivery; which one is used where is decided in `handrail.bootstrap.delivery`."""
