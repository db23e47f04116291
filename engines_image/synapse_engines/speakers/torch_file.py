"""Reader of tensors in PyTorch's older file format, without PyTorch, and without running code of the file.

The format, which `torch.save` wrote until version 1.6: five pickles (magic number, protocol, system, objects, keys of
the storages), followed by each storage as its number of elements (64 bits) and its bytes. A pickle may name any
function to call; this reader knows the names of tensors and refuses all others.
"""

import math
import os
import pickle
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

Tensor = NDArray[np.float32]
MAGIC = 0x1950A86A20F9469CFC6C
STORAGE_TYPES: Mapping[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class TorchFileError(ValueError):
    """File that is not a PyTorch file of the older format, or that names something else than tensors."""


@dataclass(frozen=True)
class _Storage:
    key: str
    type: np.dtype[Any]


@dataclass(frozen=True)
class _View:
    """Tensor as the file describes it: a part of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]


def read_tensors(path: Path, section: str) -> dict[str, Tensor]:
    """Return the tensors of the dictionary *section* of the file, by name. Raises TorchFileError and OSError."""
    with path.open("rb") as file:
        try:
            views, keys = _read_objects(file, section)
            return _read_views(file, views, keys)
        except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise TorchFileError(f"{path}: not a PyTorch file of tensors: {error}") from error


def _read_objects(file: BinaryIO, section: str) -> tuple[dict[str, _View], Sequence[str]]:
    if _Unpickler(file).load() != MAGIC:
        raise TorchFileError("the magic number of torch.save is missing")
    _protocol, _system, objects, keys = (_Unpickler(file).load() for _ in range(4))
    return {name: view for name, view in objects[section].items() if isinstance(view, _View)}, keys


def _read_views(file: BinaryIO, views: Mapping[str, _View], keys: Sequence[str]) -> dict[str, Tensor]:
    """Return the tensors of *views*; the storages follow in the order of *keys*, and other ones are skipped."""
    types = {view.storage.key: view.storage.type for view in views.values()}
    storages = _read_storages(file, keys, types)
    return {name: _tensor(storages[view.storage.key], view) for name, view in views.items()}


def _read_storages(
    file: BinaryIO, keys: Sequence[str], types: Mapping[str, np.dtype[Any]]
) -> Mapping[str, NDArray[Any]]:
    """Return the elements of each storage in *types*. A storage of another section has 4 bytes per element."""
    storages = {}
    for key in keys:
        kind = types.get(key, STORAGE_TYPES["FloatStorage"])
        size = int.from_bytes(file.read(8), "little") * kind.itemsize
        if size > os.fstat(file.fileno()).st_size:
            raise TorchFileError(f"a storage of {size} bytes is larger than the file")
        if key in types:
            storages[key] = np.frombuffer(file.read(size), kind)
        else:
            file.seek(size, os.SEEK_CUR)
    return storages


def _tensor(elements: NDArray[Any], view: _View) -> Tensor:
    count = math.prod(view.shape)
    return elements[view.offset : view.offset + count].reshape(view.shape).astype(np.float32)


class _Unpickler(pickle.Unpickler):
    """Unpickler that knows tensors and ordered dictionaries."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - what the file names
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._rebuild
        if module == "torch" and name in STORAGE_TYPES:
            return STORAGE_TYPES[name]
        raise TorchFileError(f"the file names {module}.{name}; accepted: tensors")

    def persistent_load(self, pid: Any) -> _Storage:  # noqa: ANN401 - of the base class
        label, kind, key, _device, _count, _view = pid
        if label != "storage" or not isinstance(kind, np.dtype):
            raise TorchFileError(f"got an object {label!r}; accepted: storage")
        return _Storage(cast(str, key), kind)

    @staticmethod
    def _rebuild(storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> _View:  # noqa: ANN401
        rows = tuple(math.prod(shape[index + 1 :]) for index in range(len(shape)))
        if strides != rows or min(offset, *shape, 0) < 0:
            raise TorchFileError(f"a tensor of shape {shape} at {offset} has the strides {strides}; accepted: {rows}")
        return _View(storage, offset, shape)
