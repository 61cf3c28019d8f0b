"""Which files of a tree run code when they are loaded, as MLmodel says and as their names and first bytes show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, get_args

RunsCode = Literal["pickle", "code"]
"""`pickle`: pickle, cloudpickle, joblib, dill and what PyTorch saves. `code`: Python files that MLflow imports."""
HEAD_BYTES = 128
"""How much of a file's beginning is looked at."""
MLMODEL = "MLmodel"
_PICKLED = (".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".pt", ".pth", ".ckpt")
_CODE = (".py", ".pyc", ".so", ".h5", ".keras")
_PICKLE_OPENINGS = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
_SAFE_SERIALIZATIONS = ("skops", "onnx", "json", "ubj", "safetensors")
_LOADERS_OF_CODE = ("mlflow.pyfunc.model", "mlflow.pyfunc.loaders.code_model")


def formats_in(heads: Mapping[str, bytes], mlmodel: Any) -> dict[str, str]:
    """Return each format that runs code when it is loaded, and the first place that shows it.

    Args:
        heads: the beginning of each file, `HEAD_BYTES` long or the whole file, by path.
        mlmodel: what the file MLmodel at the top says, None if there is none.
    """
    found: dict[str, str] = {}
    shown = [*_of_flavors(mlmodel), *(pair for path in sorted(heads) for pair in _of_file(path, heads[path]))]
    for kind, where in shown:
        found.setdefault(kind, where)
    return {kind: found[kind] for kind in get_args(RunsCode) if kind in found}


def refused_formats(found: Mapping[str, str], allowed: Iterable[str]) -> tuple[str, ...]:
    """Return one sentence for each format that is there and not allowed."""
    known = frozenset(allowed)
    said = ", ".join(sorted(known)) or "none"
    return tuple(
        f"{where} is {kind}, which runs code when it is loaded; of these formats the policy allows {said}. "
        "Save the model in another format, as skops or ONNX."
        for kind, where in found.items()
        if kind not in known
    )


def _of_file(path: str, head: bytes) -> Iterator[tuple[str, str]]:
    name = path.lower()
    # What torch.save writes is a zip whose first member is data.pkl; protocols 0 and 1 have no opening of their own.
    zipped = head.startswith(b"PK\x03\x04") and b"data.pkl" in head
    if name.endswith(_PICKLED) or head.startswith(_PICKLE_OPENINGS) or zipped:
        yield "pickle", f"The file {path!r}"
    if name.endswith(_CODE):
        yield "code", f"The file {path!r}"


def _of_flavors(mlmodel: Any) -> Iterator[tuple[str, str]]:
    flavors = mlmodel.get("flavors") if isinstance(mlmodel, Mapping) else None
    if not isinstance(flavors, Mapping):
        return
    for name, keys in flavors.items():
        if isinstance(keys, Mapping):
            yield from _of_flavor(str(name), keys)


def _of_flavor(name: str, keys: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    where = f"The flavor {name!r} in MLmodel"
    serialization = keys.get("serialization_format")
    # Before it named the format, MLflow pickled.
    named = serialization if serialization is not None else "pickle" if name == "sklearn" else None
    if named is not None and str(named).lower() not in _SAFE_SERIALIZATIONS:
        yield "pickle", where
    if name in ("pytorch", "fastai") or "pickle_module_name" in keys or keys.get("cloudpickle_version"):
        yield "pickle", where
    loader = str(keys.get("loader_module") or "")
    if keys.get("code") or keys.get("model_code_path") or (loader and not loader.startswith("mlflow.")):
        yield "code", where
    if loader in _LOADERS_OF_CODE:
        yield ("code" if keys.get("model_code_path") else "pickle"), where
