"""What an editor shows of a raw operation, asked as editors ask: pyright's language server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.no_cover

CODE = """from webpubsub_rest import v2024_12_01
v2024_12_01.send_to_group
v2024_12_01.generate_client_token.build("chat", client_type="")
"""


class Editor:
    """One open file, and the language server behind it."""

    def __init__(self, server: "subprocess.Popen[bytes]", folder: Path) -> None:
        self._server = server
        self._folder = folder.as_uri()
        self._file = {"uri": (folder / "code.py").as_uri()}
        self.ask("initialize", {"rootUri": self._folder, "capabilities": {}, "workspaceFolders": self._folders})
        self._send({"method": "initialized", "params": {}})
        opened = {"textDocument": {**self._file, "languageId": "python", "version": 1, "text": CODE}}
        self._send({"method": "textDocument/didOpen", "params": opened})

    @property
    def _folders(self) -> list[dict[str, str]]:
        return [{"uri": self._folder, "name": "folder"}]

    def at(self, method: str, line: int, character: int) -> Any:
        """Ask about a place in the file."""
        return self.ask(method, {"textDocument": self._file, "position": {"line": line, "character": character}})

    def ask(self, method: str, params: object) -> Any:
        """Send a request, respond to what the server asks meanwhile, and return its result."""
        self._send({"id": 1, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" not in message and message["id"] == 1:
                return message["result"]
            if "method" in message and "id" in message:
                self._send({"id": message["id"], "result": None})

    def _send(self, message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._server.stdin is not None
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self._server.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        length = 0
        while (line := self._server.stdout.readline()) != b"\r\n":
            assert line, "the language server has ended"
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message: dict[str, Any] = json.loads(self._server.stdout.read(length))
        return message


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    """Open a file beside a configuration that finds the rendered package."""
    rendered = Path(__file__).parent.parent / "generated"
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(rendered)]}))
    (tmp_path / "code.py").write_text(CODE)
    command = [sys.executable, "-m", "pyright.langserver", "--stdio"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        try:
            yield Editor(server, tmp_path)
        finally:
            server.kill()


def test_an_editor_tells_what_an_operation_does_and_takes(editor: Editor) -> None:
    """Signature, summary, arguments with limits, success, link; open enumerations complete what they know."""
    shown = str(editor.at("textDocument/hover", 1, 16)["contents"])
    completed = editor.at("textDocument/completion", 2, len(CODE.splitlines()[2]) - 2)["items"]

    for wanted in (
        "send_to_group: Operation[(hub: str, group: str, *, body: JsonBody | TextBody | BinaryBody",
        "Send a message to every connection in a group.",
        "message_ttl_seconds: Seconds after which the service drops the message",
        "From 0 to 300.",
        "success is 202",
        "https://github.com/Azure/azure-rest-api-specs/",
    ):
        assert wanted in shown.replace("\\n", "\n").replace("&nbsp;", " ")
    assert {"'Default'", "'MQTT'"} <= {item["label"].replace(chr(34), "'") for item in completed}
