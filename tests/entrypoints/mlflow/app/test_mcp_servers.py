"""MLflow's registry of MCP servers behind the list of open routes: every route that changes something, for everybody.

No policy is about its aliases: they move by MLflow's own permissions. A server's name has a slash, a model's never.
"""

from itertools import pairwise

import httpx
import pytest

from handrail.entrypoints.mlflow.app.route_tables import known_routes
from tests.fakes.mlflow_server import password

API, PAGES = "/api/3.0/mlflow/mcp-servers", "/ajax-api/3.0/mlflow/mcp-servers"
CALLERS = ("anonymous", "reader", "editor", "author", "admin")
VERSIONS = ("1.0.0", "2.0.0")
SPELLINGS = ("/api//3.0/mlflow/mcp-servers", "/api/3.0/mlflow/./mcp-servers", "/api/3.0/mlflow/mcp%2dservers")


@pytest.fixture(scope="module")
def callers(server):
    server.admin.post("/api/2.0/mlflow/users/create", json={"username": "edda", "password": password("edda")})
    accounts = {"reader": "dora", "author": "ada", "editor": "edda"}
    people = {who: server.person(account) for who, account in accounts.items()}
    people["anonymous"] = httpx.Client(base_url=server.url, timeout=60)
    yield people | {"admin": server.admin}
    for http in people.values():
        http.close()


@pytest.fixture
def tool(server, callers):
    """The name of an MCP server by Ada, with two versions, that Edda may edit."""
    name = f"io.example/{server.new_name()}"
    assert callers["author"].post(API, json={"name": name}).status_code == 200
    for version in VERSIONS:
        body = {"server_json": {"name": name, "version": version}}
        assert callers["author"].post(f"{API}/{name}/versions", json=body).status_code == 200
    grant = {"username": "edda", "resource_type": "mcp_server", "resource_id": name, "permission": "EDIT"}
    assert server.admin.post("/api/3.0/mlflow/users/permissions/grant", json=grant).status_code == 200
    return name


def _alias(http, name, alias="champion"):
    return http.get(f"{API}/{name}/aliases/{alias}")


def _set(http, name, version, prefix=API):
    return http.post(f"{prefix}/{name}/aliases", json={"alias": "champion", "version": version})


@pytest.mark.parametrize("prefix", [API, PAGES])
@pytest.mark.parametrize(("who", "expected"), list(zip(CALLERS, (401, 403, 200, 200, 200), strict=True)))
def test_an_alias_is_set_by_who_may_edit_the_server(callers, tool, prefix, who, expected):
    assert _set(callers["admin"], tool, "1.0.0").status_code == 200

    assert _set(callers[who], tool, "2.0.0", prefix).status_code == expected

    moved = _alias(callers["admin"], tool).json()["version"]
    assert moved == ("2.0.0" if expected == 200 else "1.0.0")


@pytest.mark.parametrize("prefix", [API, PAGES])
@pytest.mark.parametrize(("who", "expected"), list(zip(CALLERS, (401, 403, 403, 200, 200), strict=True)))
def test_an_alias_is_removed_by_who_may_delete_in_the_server(callers, tool, prefix, who, expected):
    assert _set(callers["admin"], tool, "1.0.0").status_code == 200

    assert callers[who].delete(f"{prefix}/{tool}/aliases/champion").status_code == expected

    assert _alias(callers["admin"], tool).status_code == (404 if expected == 200 else 200)


CHANGES = [line for line in sorted(known_routes()) if line.path.startswith((API, PAGES)) and line.method != "GET"]
BODIES = {
    "/aliases": {"alias": "champion", "version": "2.0.0"},
    "/tags": {"key": "team", "value": "other"},
    "/versions": {"server_json": {"name": "io.example/other", "version": "3.0.0"}},
    "/endpoints": {"url": "https://example.com/mcp", "server_version": "1.0.0"},
}


def _path(line, name):
    parts = line.path.replace("{path}", name, 1).split("/")
    last = {"aliases": "champion", "tags": "team", "versions": "1.0.0", "endpoints": "none"}
    return "/".join(last[before] if "{" in part else part for before, part in pairwise(["", *parts]))


def _body(line):
    return next((body for end, body in BODIES.items() if line.path.endswith(end)), {"description": "other"})


@pytest.mark.parametrize("line", [line for line in CHANGES if "{" in line.path], ids=str)
def test_nobody_without_a_right_changes_anything_of_a_server(callers, tool, line):
    path, body = _path(line, tool), _body(line)
    before = callers["admin"].get(f"{API}/{tool}").json()

    for who, expected in (("anonymous", 401), ("reader", 403)):
        more = {} if line.method == "DELETE" else {"json": body}
        assert callers[who].request(line.method, path, **more).status_code == expected

    assert callers["admin"].get(f"{API}/{tool}").json() == before


def test_the_list_has_the_routes_of_aliases():
    assert {f"{line.method} {line.path}" for line in CHANGES} >= {
        f"POST {API}/{{path}}/aliases",
        f"DELETE {API}/{{path}}/aliases/{{path}}",
    }


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("who", CALLERS[:3])
def test_another_spelling_sets_no_alias_that_the_plain_one_would_not(callers, tool, who, spelling):
    url = httpx.URL(str(callers[who].base_url)).copy_with(raw_path=f"{spelling}/{tool}/aliases".encode())
    answer = callers[who].post(url, json={"alias": "champion", "version": "2.0.0"})

    assert answer.status_code < 500
    assert answer.is_success <= (who == "editor")
    assert answer.is_success == (_alias(callers["admin"], tool).status_code == 200)
