"""Headless Chromium, driven through chromedriver: the W3C's WebDriver protocol, over HTTP, and nothing else."""

import base64
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")
SECONDS_TO_WAIT = 30

_ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server", "--window-size=900,600",
]  # fmt: skip
_WHEN = """
const [condition, seconds, done] = arguments;
const holds = new Function("return " + condition);
const end = value => { observer.disconnect(); clearTimeout(timer); done(value); };
const look = () => { const value = holds(); if (value) end(value); };
const observer = new MutationObserver(look);
const timer = setTimeout(() => end(null), seconds * 1000);
observer.observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
look();
"""


class Tab:
    """One tab of the browser."""

    def __init__(self, session: httpx.Client, handle: str) -> None:
        self._session = session
        self._handle = handle

    def open(self, url: str) -> None:
        """Go to a page, and wait until it is loaded."""
        self._do("/url", {"url": url})

    def type(self, text: str) -> None:
        """Type into what has the focus; a line feed is Enter."""
        element = next(iter(self._get("/element/active").values()))
        self._do(f"/element/{element}/value", {"text": text.replace("\n", "\ue007")})

    def run(self, script: str) -> Any:
        """Run JavaScript, and return what it returns."""
        return self._do("/execute/sync", {"script": script, "args": []})

    def wait_for(self, condition: str) -> Any:
        """Wait for a JavaScript expression to be true while the page changes, and return its value."""
        value = self._do("/execute/async", {"script": _WHEN, "args": [condition, SECONDS_TO_WAIT]})
        assert value is not None, f"{condition} did not become true; the page shows {self.text()!r}"
        return value

    def text(self) -> str:
        """Return what a reader sees."""
        return str(self.run("return document.body.innerText"))

    def command(self, name: str, **parameters: Any) -> Any:
        """Give a command of Chromium's own protocol, such as `Emulation.setEmulatedMedia`."""
        return self._do("/goog/cdp/execute", {"cmd": name, "params": parameters})

    def screenshot(self) -> bytes:
        """Return a picture of the page, as PNG."""
        return base64.b64decode(self._get("/screenshot"))

    def close(self) -> None:
        """Close the tab, as people do."""
        self._focus()
        _value(self._session.delete("/window"))

    def _focus(self) -> None:
        _value(self._session.post("/window", json={"handle": self._handle}))

    def _do(self, path: str, content: dict[str, Any]) -> Any:
        self._focus()
        return _value(self._session.post(path, json=content))

    def _get(self, path: str) -> Any:
        self._focus()
        return _value(self._session.get(path))


class Browser:
    """A browser with a profile of its own."""

    def __init__(self, session: httpx.Client) -> None:
        self._session = session
        self._first = _value(session.get("/window"))

    def tab(self, url: str) -> Tab:
        """Open another tab with a page."""
        _value(self._session.post("/window", json={"handle": self._first}))
        tab = Tab(self._session, _value(self._session.post("/window/new", json={"type": "tab"}))["handle"])
        tab.open(url)
        return tab

    def complaints(self) -> list[str]:
        """Return what the browser has written to its console since the last time."""
        return [entry["message"] for entry in _value(self._session.post("/se/log", json={"type": "browser"}))]


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start the browser, and end it with everything that it started."""
    assert CHROMEDRIVER is not None
    command = [CHROMEDRIVER, "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as driver:
        try:
            assert driver.stdout is not None
            port = next(found[1] for line in driver.stdout if (found := re.search(r"successfully on port (\d+)", line)))
            options = {"binary": CHROMIUM, "args": [*_ARGUMENTS, f"--user-data-dir={profile}"]}
            match = {
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL"},
                "timeouts": {"script": 60_000},
            }
            wanted = {"capabilities": {"alwaysMatch": match}}
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=90, trust_env=False) as client:
                session = _value(client.post("/session", json=wanted))["sessionId"]
                address = f"http://127.0.0.1:{port}/session/{session}"
                client.base_url = httpx.URL(address)
                try:
                    yield Browser(client)
                finally:
                    # The whole address: the client would end an empty path with a slash, which names no session.
                    _value(client.delete(address))
        finally:
            os.killpg(driver.pid, signal.SIGKILL)


def _value(response: httpx.Response) -> Any:
    value = response.json()["value"]
    assert response.is_success, value
    return value
