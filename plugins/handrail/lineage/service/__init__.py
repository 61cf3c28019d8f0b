"""The use cases of lineage: the graph and its questions, events in and out, and who may use them over HTTP."""
