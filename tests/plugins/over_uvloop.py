"""Runs the suite on uvloop, the event loop that uvicorn takes: `pytest -p tests.plugins.over_uvloop`."""

import asyncio

import uvloop

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
