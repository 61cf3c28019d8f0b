"""Where tools and people call in: each module only translates."""
