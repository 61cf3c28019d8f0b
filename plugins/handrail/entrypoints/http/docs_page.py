"""The page at `/docs`: Swagger UI over a description of an API, with a place to enter the token.

Swagger UI comes with BentoML or with the extra `server`; nothing is loaded from another host. Without it the page says
so, and where the description is.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

DOCS, DESCRIPTION, STATIC = "/docs", "/openapi.json", "/static_content"

_PAGE = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="UTF-8">
    <title>{title}</title>
    <link rel="stylesheet" type="text/css" href="./static_content/swagger-ui.css">
    <link rel="icon" href="data:,">
    <style>body {{ margin: 0; background: #fafafa; }}</style>
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="./static_content/swagger-ui-bundle.js" charset="UTF-8"></script>
    <script>
      fetch(".{description}").then((answer) => answer.json()).then((spec) => {{
        spec.components ??= {{}};
        spec.components.securitySchemes ??= {{ token: {{ type: "http", scheme: "bearer" }} }};
        spec.security ??= [{{ [Object.keys(spec.components.securitySchemes)[0]]: [] }}];
        SwaggerUIBundle({{ spec, dom_id: "#swagger-ui", deepLinking: true }});
      }});
    </script>
  </body>
</html>
"""

_WITHOUT_PROGRAM = """<!DOCTYPE html>
<html lang="en">
  <head><meta charset="UTF-8"><title>{title}</title></head>
  <body>
    <h1>{title}</h1>
    <p>The page needs Swagger UI, which is not installed beside this server.
      In Handrail's checkout: <code>pip install '.[server]'</code></p>
    <p>The description of the API: <a href=".{description}">{description}</a></p>
  </body>
</html>
"""
_FOLDERS = {"bentoml": ("_internal", "server", "static_content"), "fastapi_offline": ("static",)}
"""Where Swagger UI lies in the packages that bring it, the first one first."""


def swagger_page(title: str, description: str = DESCRIPTION) -> bytes:
    """Return the page as HTML in UTF-8; the API's description and the program are beside it."""
    return _PAGE.format(title=title, description=description).encode()


def shows_docs(method: str, path: str) -> bool:
    """Say whether a request only reads the page, what it needs, or the description of the API."""
    return method in ("GET", "HEAD") and (path in (DOCS, DESCRIPTION) or path.startswith(f"{STATIC}/"))


def swagger_program() -> Path | None:
    """Return the folder with Swagger UI of a package that brings it, None without one; none of them is imported."""
    for package, inside in _FOLDERS.items():
        found = find_spec(package)
        if found and found.origin:
            folder = Path(found.origin).parent.joinpath(*inside)
            if (folder / "swagger-ui-bundle.js").is_file():
                return folder
    return None


def add_docs(app: FastAPI) -> None:
    """Let `app` answer at `/docs`, without asking who is there: the page shows what anybody may read."""
    from fastapi.responses import HTMLResponse
    from starlette.staticfiles import StaticFiles

    program = swagger_program()
    if program:
        app.mount(STATIC, StaticFiles(directory=program))
    page = swagger_page(app.title) if program else _WITHOUT_PROGRAM.format(title=app.title, description=DESCRIPTION)

    @app.get(DOCS, include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(page)
