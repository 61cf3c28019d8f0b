"""Values and rules of the approval gates: standard library, `handrail.errors` and `handrail.refs` only."""
