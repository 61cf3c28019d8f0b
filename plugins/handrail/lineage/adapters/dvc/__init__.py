"""DVC and git: the pipeline of dvc.lock, tracked files, commits and the bytes behind a hash."""
