"""Official documents taken into `spec/`."""

from __future__ import annotations

from pathlib import Path

from rendering import endpoints, files
from rendering.grammar import DocumentError
from rendering.swagger import to_openapi3


def import_document(path: Path, root: Path, *, force: bool) -> Path:
    """Write a document into `spec/` under the name of its version, if it can be rendered.

    Args:
        path: The official document.
        root: The repository.
        force: Whether to replace a document that is already there.

    Returns:
        The file written.

    Raises:
        DocumentError: The document cannot be rendered, or would replace another.
    """
    document = to_openapi3(files.load(path))
    try:
        endpoints.read(document)
    except DocumentError as error:
        raise DocumentError(f"{path.name}: {error}") from error
    target = root / "spec" / f"{document['info']['version']}.yaml"
    if target.exists() and not force:
        raise DocumentError(f"{target} is already there; --force replaces it")
    target.parent.mkdir(exist_ok=True)
    target.write_text(files.dump_yaml(document), "utf-8")
    return target
