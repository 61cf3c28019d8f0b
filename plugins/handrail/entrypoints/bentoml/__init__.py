"""BentoML: the feedback guard on a service, recording which bento is served, and reading a bento store."""
