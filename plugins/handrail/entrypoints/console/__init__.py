"""The console: pages for people about requests, lineage, feedback and deployments, made on the server.

What a page says is computed here and is the same as JSON; hosts read requests, know who is there, and send the pages.
"""
