"""The tools behind delivery's ports; which one stands where is decided in `handrail.bootstrap.delivery`."""
