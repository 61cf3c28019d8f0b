"""The approval gates: who allowed exactly these bytes, by which rule, on what evidence."""
