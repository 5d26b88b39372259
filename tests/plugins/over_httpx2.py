"""Runs the suite over httpx2, the maintained successor of httpx: `pytest -p tests.plugins.over_httpx2`."""

import httpx2

httpx2.alias_httpx()
