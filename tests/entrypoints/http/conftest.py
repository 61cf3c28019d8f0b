"""Tests with a browser are collected where one is wanted, or is there."""

from tests.fakes import browser

collect_ignore_glob = [] if browser.wanted() else ["test_*_browser.py"]
