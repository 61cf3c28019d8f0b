"""HTTP, in both directions: the applications that Handrail serves, what guards them, and the client of the gate."""
