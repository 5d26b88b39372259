"""Compare the documents that the service has published with those in spec/, as Markdown.

    python .github/upstream.py FOLDER REPORT

FOLDER is `specification/webpubsub/data-plane` of Azure/azure-rest-api-specs. REPORT stays empty if there is nothing to
tell: every version that we have says the same, and there is no newer one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
VERSION = re.compile(r"20\d\d-\d\d-\d\d(-preview)?")

# Drafts and versions from before the first stable one; spec/README.md says why they are not followed.
PASSED_OVER = ("Azure.Messaging.WebPubSub/stable/2024-12-01/openapi.json", "WebPubSub/stable/2024-12-01/openapi.json")
OLDEST_PREVIEW = "2025-01-01"


def published(folder: Path) -> dict[str, list[Path]]:
    """Find the documents that are worth a look, by version."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.json")):
        version = path.parent.name
        if not VERSION.fullmatch(version) or path.relative_to(folder).as_posix() in PASSED_OVER:
            continue
        if "preview" in path.parts and version < OLDEST_PREVIEW:
            continue
        found.setdefault(version, []).append(path)
    return found


def ours(version: str) -> list[Path]:
    """Find our documents of a version, whatever the API."""
    return [path for path in (ROOT / "spec").glob("*.yaml") if f"-{path.stem}".endswith(f"-{version}")]


def report(folder: Path) -> list[str]:
    """Write what differs: the difference where we have a version, its place where we do not."""
    parts = []
    for version, paths in published(folder).items():
        for path in paths:
            name = path.relative_to(folder).as_posix()
            known = ours(version)
            if not known:
                parts.append(f"## {version}\n\nWe do not have it: `{name}`.\n")
                continue
            differences = [compared(document, path) for document in known]
            if all(differences):
                parts.append(f"## {version}\n\n`{name}` differs from ours:\n\n{min(differences, key=len)}\n")
    return parts


def compared(document: Path, path: Path) -> str:
    """Compare one of our documents with a published one; nothing if they say the same."""
    command = [sys.executable, str(ROOT / "codegen.py"), "diff", "--markdown", str(document), str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return "" if run.returncode == 0 else run.stdout or f"```\n{run.stderr}```\n"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text("\n".join(report(Path(sys.argv[1]))), "utf-8")
