"""Writes a project for somebody's table: looks at it, explains what it guesses, renders the template.

What such a project consists of: `template/` (what knows the table), and the machinery of the reference project.
"""
