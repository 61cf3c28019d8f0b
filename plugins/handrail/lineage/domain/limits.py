"""The limits of questions and what is said when one is reached, the same for Python, commands and HTTP."""

from __future__ import annotations

MAX_NODES = 50_000
"""How many nodes a walk reads unless more or fewer are wanted."""
MAX_COUNTED = 10_000_000
"""How many nodes a count reaches at most."""
MAX_LISTED = 1_000
"""How many nodes a page has at most."""
MAX_DERIVED = 100_000
"""How many derivations one request may state, in one event or in all events of a batch."""
MAX_URI_BYTES = 2_048
"""How long a URI or another reference may be, in bytes of UTF-8."""
TRUNCATED = "The node budget ended the walk: raise --max-nodes, or ask for less with --depth."
"""What a command says when a walk was truncated."""
