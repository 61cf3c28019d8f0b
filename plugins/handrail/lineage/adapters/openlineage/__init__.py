"""OpenLineage: events in and out, their facets, and the ways on which they are sent."""
