"""What the Hugging Face hub says of a file or a repository, before anything is fetched.

https://huggingface.co/docs/hub/api, and the layout of its cache: huggingface_hub's guide "Understand caching".
"""

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

import httpx
from pydantic import BaseModel, Field, ValidationError

from ops.models.fetching import GIT, Item, Order
from ops.models.inventory import Model, ModelError

HUB: Final = "https://huggingface.co"
ENDPOINT: Final = "HF_ENDPOINT"
"""The hub's own variable for a mirror."""
TOKEN: Final = "HF_TOKEN"  # noqa: S105 - the name of a variable
PATIENCE_S: Final = 30.0
SAFETENSORS: Final = "*.safetensors"
OTHER_WEIGHTS: Final = ("*.bin", "*.pt", "*.pth", "*.h5", "*.msgpack", "*.onnx", "*.gguf", "original/*", "metal/*")
"""The same weights again in formats that no engine here reads where there are safetensors."""


class Lfs(BaseModel):
    sha256: str
    size: int


class Sibling(BaseModel):
    """A file of a repository; a large one has the digest of its content, every other its name as a blob of git."""

    name: str = Field(alias="rfilename")
    blob: str = Field(alias="blobId")
    size: int
    lfs: Lfs | None = None


class Repository(BaseModel):
    """The answer of `/api/models/{repository}/revision/{revision}?blobs=true`."""

    sha: str
    siblings: list[Sibling]


def client() -> httpx.Client:
    """A client for the hub and for other hosts; only the hub gets the token of `HF_TOKEN`."""
    return httpx.Client(headers={"accept-encoding": "identity"}, timeout=PATIENCE_S)


def is_of_hub(url: str) -> bool:
    """Whether the hub's token may be sent there."""
    return url.startswith(f"{_endpoint()}/")


def order(http: httpx.Client, model: Model, sha256: str | None = None) -> Order:
    """How *model* gets to its place. Raises ModelError where the hub does not tell."""
    try:
        return _snapshot(http, model) if model.kind == "snapshot" else _file(http, model, sha256)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ModelError(f"{model.name}: {error}; {ENDPOINT} may name a mirror of {HUB}") from error


def _file(http: httpx.Client, model: Model, sha256: str | None) -> Order:
    """The hub tells size and digest of a large file when it sends on to its store."""
    url, path = _mirrored(model.url or ""), PurePosixPath(model.path)
    answer = http.head(url, headers=_bearing(url))
    if answer.is_redirect and "x-linked-size" not in answer.headers:
        answer = http.head(url, headers=_bearing(url), follow_redirects=True)
    _check(model, answer)
    size = answer.headers.get("x-linked-size") or answer.headers.get("content-length", "")
    if not size.isdecimal():
        raise ModelError(f"{url}: it does not say how large it is")
    digest = sha256 or _sha256(answer.headers.get("x-linked-etag", ""))
    item = Item(url=url, path=path.name, size=int(size), digest=digest, is_doubted=sha256 is not None)
    return Order(root=str(path.parent), items=[item])


def _snapshot(http: httpx.Client, model: Model) -> Order:
    """The repository as the hub's own cache keeps it: blobs by digest, and a folder of links for the commit."""
    url = f"{_endpoint()}/api/models/{model.name}/revision/main"
    answer = http.get(url, params={"blobs": "true"}, headers=_bearing(url))
    _check(model, answer)
    try:
        found = Repository.model_validate_json(answer.content)
    except ValidationError as error:
        raise ModelError(f"{model.name}: the hub's answer cannot be read: {error.errors()[0]['msg']}") from error
    wanted = list(_wanted(found.siblings))
    address = f"{_endpoint()}/{model.name}/resolve/{found.sha}"
    return Order(
        root=model.path,
        items=[_item(sibling, f"{address}/{sibling.name}") for sibling in wanted],
        links={f"snapshots/{found.sha}/{sibling.name}": _link(sibling) for sibling in wanted},
        texts={"refs/main": found.sha},
    )


def _wanted(siblings: list[Sibling]) -> Iterator[Sibling]:
    """Everything, but of weights in several formats the safetensors alone."""
    has_safetensors = any(fnmatchcase(sibling.name, SAFETENSORS) for sibling in siblings)
    for sibling in siblings:
        if PurePosixPath(sibling.name).is_absolute() or ".." in PurePosixPath(sibling.name).parts:
            continue
        if not (has_safetensors and any(fnmatchcase(sibling.name, pattern) for pattern in OTHER_WEIGHTS)):
            yield sibling


def _item(sibling: Sibling, url: str) -> Item:
    digest = sibling.lfs.sha256 if sibling.lfs else f"{GIT}{sibling.blob}"
    return Item(url=url, path=f"blobs/{_blob(sibling)}", size=sibling.size, digest=digest)


def _link(sibling: Sibling) -> str:
    up = "../" * (len(PurePosixPath(sibling.name).parts) + 1)
    return f"{up}blobs/{_blob(sibling)}"


def _blob(sibling: Sibling) -> str:
    return sibling.lfs.sha256 if sibling.lfs else sibling.blob


def _bearing(url: str) -> dict[str, str]:
    token = os.environ.get(TOKEN)
    return {"authorization": f"Bearer {token}"} if token and is_of_hub(url) else {}


def _endpoint() -> str:
    return os.environ.get(ENDPOINT, HUB).rstrip("/")


def _mirrored(url: str) -> str:
    return _endpoint() + url.removeprefix(HUB) if url.startswith(f"{HUB}/") else url


def _sha256(etag: str) -> str | None:
    """An ETag is a digest where it is as long as one."""
    found = etag.strip('"').removeprefix('W/"')
    return found if len(found) == 64 else None


def _check(model: Model, answer: httpx.Response) -> None:
    if answer.status_code in {401, 403}:
        raise ModelError(f"{model.name}: {answer.status_code} from the hub; accept its licence there and set {TOKEN}")
    if answer.is_error:
        raise ModelError(f"{model.name}: {answer.status_code} {answer.reason_phrase} from {answer.request.url.host}")
