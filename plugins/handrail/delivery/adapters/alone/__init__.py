"""Programs that packages carry: each runs where Handrail is not, so it imports nothing of it."""
