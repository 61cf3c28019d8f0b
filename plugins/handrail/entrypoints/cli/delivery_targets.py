"""`handrail delivery package container`, `kubernetes` and `balancer`: what serves the whole bento elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import yaml

from handrail.bootstrap import open_records
from handrail.bootstrap.packaging import bento_to_package
from handrail.bootstrap.targets import Balancer, workload_of, write_image
from handrail.entrypoints.cli.delivery_package import LOCK, Lock, Name, Version, lock_of
from handrail.entrypoints.cli.output import results
from handrail.errors import MissingFile
from handrail.files import replace_file
from handrail.use_case import read_use_case

BALANCER = (
    "Example: handrail delivery package balancer --replica 10.0.0.7:3000 --replica 10.0.0.8:3000 --to haproxy.cfg"
)
CONTAINER = "Example: handrail delivery package container --base docker.io/library/python@sha256:... --to image"
KUBERNETES = "Example: handrail delivery package kubernetes --image registry.example/churn@sha256:... --to churn.yaml"


def container(
    base: Annotated[str, typer.Option("--base", help="Base image with this Python, by digest: python@sha256:...")],
    to: Annotated[Path, typer.Option("--to", help="Folder to write, from which an image is built.")],
    version: Version = None,
    service: Name = None,
    lock: Lock = None,
) -> None:
    """Write a folder with a Containerfile, the bento, and its packages with hashes."""
    with open_records() as platform:
        hashes = lock_of(platform.settings, lock)
        if hashes is None:
            raise MissingFile(str(LOCK), "An image installs by hashes alone: name a lock that has them by --lock.")
        name = service or read_use_case(platform.settings.project).name
        built = bento_to_package(platform, name, version)
        write_image(platform, built, base, hashes, to)
    _say(f"{to} holds {built.tag.uri}, verified. Build it: buildah build --format docker --tag {name} {to}.")


def kubernetes(  # noqa: PLR0913 - one argument for each option of the command
    image: Annotated[str, typer.Option("--image", help="The built image, by digest: registry/name@sha256:...")],
    to: Annotated[Path, typer.Option("--to", help="File to write.")],
    version: Version = None,
    service: Name = None,
    namespace: Annotated[
        str, typer.Option("--namespace", help="Namespace of the cluster; it has to exist.")
    ] = "serving",
    least: Annotated[int, typer.Option("--least", help="So many replicas run at least.")] = 2,
    most: Annotated[int, typer.Option("--most", help="So many replicas run at most.")] = 6,
) -> None:
    """Write the manifests of a bento for Kubernetes."""
    with open_records() as platform:
        name = service or read_use_case(platform.settings.project).name
        built = bento_to_package(platform, name, version)
        documents = workload_of(platform, built, image, namespace, (least, most)).documents()
        permits, credentials = platform.settings.permits, platform.settings.credentials
    replace_file(to, yaml.safe_dump_all(documents, sort_keys=False, width=120).encode())
    _say(f"{to} holds {len(documents)} manifests of {built.tag.uri}, verified. Before kubectl apply --filename {to}:")
    within = f"kubectl --namespace {namespace} create"
    _say(f"{within} configmap {name}-gate --from-file={permits}/gate.pub --from-file={permits}/revoked.dsse")
    _say(f"{within} secret generic {name}-serving --from-file={credentials}/serving-token.json")
    _say(f"{within} secret generic {name}-store --from-literal=url=postgresql+psycopg://...")


def balancer(
    replica: Annotated[list[str], typer.Option("--replica", help="Address of a replica of the service; two or more.")],
    to: Annotated[Path, typer.Option("--to", help="File to write.")],
    listen: Annotated[str, typer.Option("--listen", help="Address that clients connect to.")] = "127.0.0.1:8080",
    repeat_kib: Annotated[
        int, typer.Option("--repeat-kib", min=16, max=4096, help="How large a request may be and still be sent again.")
    ] = 256,
) -> None:
    """Write the configuration of HAProxy before replicas of one service, so that a killed one loses no request."""
    replace_file(to, Balancer(listen, tuple(replica), repeat_kib).to_text().encode())
    _say(f"{to} balances {len(replica)} replicas at {listen}. Check it: haproxy -c -f {to}; start it: haproxy -f {to}")


def _say(sentence: str) -> None:
    results.print(sentence, highlight=False, markup=False)
