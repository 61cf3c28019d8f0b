"""The questions of lineage over HTTP; they answer as the commands do."""

# FastAPI reads the annotations at run time, so they stay real.

import json
from typing import Annotated, Any

from pydantic import AwareDatetime

from handrail.bootstrap import Platform
from handrail.clock import system_time
from handrail.entrypoints.answers.as_json import (
    details_to_json,
    impact_to_json,
    page_to_json,
    period_to_json,
    trace_to_json,
)
from handrail.entrypoints.answers.chain import chain_about
from handrail.entrypoints.answers.exports import Form, export
from handrail.entrypoints.answers.one_page import POLICY
from handrail.errors import MissingTool
from handrail.lineage import MAX_COUNTED, MAX_NODES, Direction, Lineage

try:
    from fastapi import APIRouter, Query
    from fastapi.responses import Response
except ImportError as err:
    raise MissingTool("fastapi", "server") from err

MAX_KINDS = 50

Ref = Annotated[
    str,
    Query(
        min_length=1,
        max_length=2048,
        description="prediction id, URI or its beginning, path, commit, models:/name/1, models:/name@alias, person",
    ),
]
Kinds = Annotated[list[str], Query(alias="kind", max_length=MAX_KINDS, description="show only this kind; repeatable")]
Depth = Annotated[int | None, Query(ge=1, le=1_000_000, description="go that many hops, and no further")]
MaxNodes = Annotated[int, Query(ge=1, le=1_000_000, description="stop the walk after that many nodes")]
MaxCounted = Annotated[int, Query(ge=1, le=MAX_COUNTED, description="stop the walk after that many nodes")]


def questions(
    platform: Platform, lineage: Lineage, guard: list[Any], problems: dict[int | str, dict[str, Any]]
) -> APIRouter:
    """Return the routes that ask `lineage`, each behind `guard`; the platform knows scores, outcomes and permits."""
    routes = APIRouter(prefix="/api/v1/lineage", dependencies=guard, responses=problems)

    @routes.get("/trace", summary="What led to it")
    def trace(
        ref: Ref,
        kind: Kinds = [],  # noqa: B006
        depth: Depth = None,
        max_nodes: MaxNodes = MAX_NODES,
        columns: Annotated[bool, Query(description="return which columns came from which as well")] = False,
    ) -> Response:
        """Return everything that led to a prediction, or to anything else that has a name.

        `path` is the direct path, newest first, `summary` a sentence on it, `missing` what is not recorded on the way;
        null with a depth or a kind.
        """
        found = lineage.trace(ref, max_nodes, depth=depth, kinds=kind)
        chain = None if kind or depth else chain_about(platform, lineage, found)
        return _json(trace_to_json(found, lineage.columns_of(found) if columns else None, chain))

    @routes.get("/impact", summary="Count what it led to")
    def impact(ref: Ref, kind: Kinds = [], depth: Depth = None, max_nodes: MaxCounted = MAX_COUNTED) -> Response:  # noqa: B006
        """Count what something, or one column of it (`dataset#column`), led to: models, predictions, money."""
        return _json(impact_to_json(lineage.impact(ref, max_nodes, depth=depth, kinds=kind)))

    @routes.get("/show", summary="Show one thing")
    def show(ref: Ref) -> Response:
        """Return all about one thing: what it is, its direct causes and effects, names that point at it."""
        return _json(details_to_json(lineage.show(ref)))

    @routes.get("/timeline", summary="Where a moving name pointed")
    def timeline(name: Ref, at: AwareDatetime | None = None) -> Response:
        """Return where a moving name pointed, from when until when, and who allowed it."""
        return _json([period_to_json(period) for period in lineage.timeline(name, at)])

    _add_lists(routes, platform, lineage)
    return routes


def _add_lists(routes: APIRouter, platform: Platform, lineage: Lineage) -> None:
    @routes.get("/impact/nodes", summary="List what it led to")
    def touched(
        ref: Ref,
        kind: Kinds = [],  # noqa: B006
        depth: Depth = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="how many nodes a page has")] = 100,
        after: Annotated[str, Query(max_length=2048, description="`next` of the page before")] = "",
    ) -> Response:
        """Return a page of what something led to, in the order of URIs."""
        return _json(page_to_json(lineage.touched(ref, depth=depth, kinds=kind, after=after, limit=limit)))

    @routes.get("/export", summary="Write causes or effects for other tools")
    def exported(  # noqa: PLR0913 - the parameters of a route
        ref: Ref,
        format: Form,  # noqa: A002 - the name in the query
        towards: Direction = Direction.CAUSES,
        kind: Kinds = [],  # noqa: B006
        depth: Depth = None,
        max_nodes: MaxNodes = MAX_NODES,
    ) -> Response:
        """Write what led to something, or what it led to, for other tools or as a picture."""
        found = lineage.trace(ref, max_nodes, depth=depth, kinds=kind, direction=towards)
        headers = {"handrail-truncated": "true"} if found.truncated else {}
        chain = None
        if format is Form.HTML:
            headers["content-security-policy"] = POLICY
            chain = None if kind or depth or towards is Direction.EFFECTS else chain_about(platform, lineage, found)
        written = export(lineage, found, format, system_time(), chain)
        return Response(written, 200, headers, format.media_type)


def _json(value: Any) -> Response:
    return Response(json.dumps(value, default=str, ensure_ascii=False), media_type="application/json")
