"""`handrail lineage collect bentoml`: the bentos of BentoML's store, and what a running service serves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import httpx
import typer

from handrail.bootstrap import Platform
from handrail.entrypoints.bentoml.collect import bento_home, find_bentos, find_served, record_bento, record_serving
from handrail.entrypoints.bentoml.recorded import point_at
from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, messages, print_json
from handrail.errors import HandrailError, Unavailable, UnknownReference
from handrail.refs import BentoTag, Deployment

TIMEOUT_S = 10
Bentos = dict[str, list[str]]
"""What is missing of each recorded bento, in sentences, by the URI of the bento."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where BentoML puts an underscore when it names a bento by its service."""
UNBUILT = "None"
"""What BentoML writes for the version of a service that lies in no bento."""


def collect_bentoml(
    tag: Annotated[str | None, typer.Argument(help="name:version, or a name; every bento if left out.")] = None,
    store: Annotated[Path | None, typer.Option("--store", help="BentoML's home; else BENTOML_HOME.")] = None,
    serving: Annotated[str | None, typer.Option("--serving", help="Address of a running service.")] = None,
    as_json: AsJson = False,
) -> None:
    """Record what each bento was built from and carries, and with --serving which one answers there.

    Exit 1 if one is left out.
    """
    left_out: list[str] = []
    with open_to_record() as platform:
        home = store or bento_home(platform.settings)
        served, found = (
            (None, _record_all(platform, home, tag, left_out)) if serving is None else _served(platform, home, serving)
        )
    if as_json:
        print_json({"store": str(home), "serving": served and served.uri, "bentos": found, "left_out": left_out})
    else:
        _print(found, left_out)
        if served:
            typer.echo(f"{serving} serves {served.uri}")
    if left_out:
        raise typer.Exit(1)


def _print(found: Bentos, left_out: Sequence[str]) -> None:
    for uri, missing in found.items():
        typer.echo(f"{uri}: recorded, and what it was built from")
        for sentence in missing:
            messages.print(f"  {sentence}", markup=False)
    for sentence in left_out:
        messages.print(f"Left out: {sentence}", markup=False)


def _record_all(platform: Platform, home: Path, tag: str | None, left_out: list[str]) -> Bentos:
    """Record every bento; one that cannot be read or recorded costs no other and is named in `left_out`."""
    recorded: Bentos = {}
    with messages.status(f"Reading {home}") as status:
        for bento in find_bentos(home, tag):
            if isinstance(bento, HandrailError):
                left_out.append(str(bento))
                continue
            status.update(f"Reading {home}: {bento.tag.name}:{bento.tag.version}")
            try:
                recorded[bento.tag.uri] = list(record_bento(platform.lineage, platform.settings, bento))
            except Unavailable:
                raise
            except HandrailError as err:
                left_out.append(f"{bento.tag.uri}: {err}")
    return recorded


def _served(platform: Platform, home: Path, address: str) -> tuple[BentoTag, Bentos]:
    """Record what is served; of a bento that was built elsewhere only its name is known."""
    lineage, settings = platform.lineage, platform.settings
    service, version = _ask(address)
    bento = find_served(home, service, version)
    if bento is not None:
        missing = list(record_bento(lineage, settings, bento))
        point_at(platform, record_serving(lineage, settings, bento))
        return bento.tag, {bento.tag.uri: missing}
    tag = BentoTag(_CAMEL.sub("_", service).lower(), version)
    deployment = Deployment(settings.environment, tag.name, tag.version)
    lineage.record_deployment(deployment, tag)
    point_at(platform, deployment)
    return tag, {tag.uri: [f"The store {home} does not hold it: run this where it was built, or name that store."]}


def _ask(address: str) -> tuple[str, str]:
    """Ask a service for its name and its bento's version, by the description of its API that BentoML gives."""
    try:
        answer = httpx.get(f"{address.rstrip('/')}/docs.json", timeout=TIMEOUT_S).raise_for_status()
        info = answer.json()["info"]
        service, version = str(info["title"]), str(info["version"])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as err:
        said = str(err).splitlines()[0].rstrip(".") if str(err) else type(err).__name__
        raise Unavailable(
            address, f"it is not a service of BentoML: {said}", "Start it, or correct the address."
        ) from err
    if version == UNBUILT:
        raise UnknownReference("bento", service, f"{address} serves a checkout: build it, then serve the bento.")
    return service, version
