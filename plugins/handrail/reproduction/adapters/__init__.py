"""Git, DVC, pip and MLflow behind the ports of reproduction."""
