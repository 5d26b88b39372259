"""From a `.proto` file to the module that reads and writes its messages, and its types.

The module holds the compiled description and hands it to the protobuf library that is installed. What protoc itself
would write refuses every library older than the compiler, and shares its names with the whole process: an application
that has compiled the messages of the service for itself could not load ours beside them.
"""

from __future__ import annotations

import tempfile
from importlib.resources import files
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

from rendering.files import Tree
from rendering.grammar import DocumentError

SOURCES = Path("spec")
TARGET = Path("webpubsub/emulator/_clients")

_BYTES_PER_LINE = 24


def rendered(root: Path) -> Tree:
    """Render every `.proto` file in `spec/`."""
    tree: Tree = {}
    for source in sorted((root / SOURCES).glob("*.proto")):
        tree |= _rendered_source(source)
    return tree


def on_disk(root: Path) -> Tree:
    """Read what was rendered before."""
    return {path.relative_to(root): path.read_bytes() for path in sorted((root / TARGET).glob("*_pb2.py*"))}


def _rendered_source(source: Path) -> Tree:
    name = f"{source.stem}_pb2"
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "compiled"
        places = [f"-I{source.parent}", f"-I{files('grpc_tools') / '_proto'}"]
        if protoc.main(["protoc", *places, f"--descriptor_set_out={compiled}", f"--pyi_out={folder}", source.name]):
            raise DocumentError(f"{source.name}: protoc does not accept it")
        descriptor = FileDescriptorSet.FromString(compiled.read_bytes()).file[0]
        types = (Path(folder) / f"{name}.pyi").read_bytes()
    data = descriptor.SerializeToString(deterministic=True)
    lines = [data[start : start + _BYTES_PER_LINE] for start in range(0, len(data), _BYTES_PER_LINE)]
    package = descriptor.package
    code = "\n".join(
        [
            f"# Rendered by codegen.py from spec/{source.name}. Do not edit: change that file and run `python codegen.py`.",
            "from google.protobuf import any_pb2, descriptor_pool, message_factory",
            "",
            "_pool = descriptor_pool.DescriptorPool()",
            "_pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)",
            "_pool.AddSerializedFile(",
            *(f"    {line!r}" for line in lines),
            ")",
            f"DESCRIPTOR = _pool.FindFileByName({descriptor.name!r})",
            "_classes = message_factory.GetMessageClassesForFiles([DESCRIPTOR.name], _pool)",
            "",
            *(f"{message.name} = _classes['{package}.{message.name}']" for message in descriptor.message_type),
            "",
        ]
    )
    return {TARGET / f"{name}.py": code.encode(), TARGET / f"{name}.pyi": types}
