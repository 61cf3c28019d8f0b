"""The page at `/docs`: Swagger UI over a description of an API, with a place to enter the token.

Swagger UI comes with BentoML; where that is not installed, the page is FastAPI's own, which loads it from the network.
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
    <link rel="stylesheet" type="text/css" href="./static_content/index.css">
    <link rel="icon" type="image/png" href="./static_content/favicon-light-32x32.png" sizes="32x32">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="./static_content/swagger-ui-bundle.js" charset="UTF-8"></script>
    <script src="./static_content/swagger-ui-standalone-preset.js" charset="UTF-8"></script>
    <script>
      fetch(".{description}").then((answer) => answer.json()).then((spec) => {{
        spec.components ??= {{}};
        if (!spec.components.securitySchemes) {{
          spec.components.securitySchemes = {{ token: {{ type: "http", scheme: "bearer" }} }};
          spec.security = [{{ token: [] }}];
        }}
        SwaggerUIBundle({{
          spec,
          dom_id: "#swagger-ui",
          deepLinking: true,
          presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
        }});
      }});
    </script>
  </body>
</html>
"""


def swagger_page(title: str, description: str = DESCRIPTION) -> bytes:
    """Return the page as HTML in UTF-8; the API's description and the program are beside it."""
    return _PAGE.format(title=title, description=description).encode()


def shows_docs(method: str, path: str) -> bool:
    """Say whether a request only reads the page, what it needs, or the description of the API."""
    return method in ("GET", "HEAD") and (path in (DOCS, DESCRIPTION) or path.startswith(f"{STATIC}/"))


def swagger_program() -> Path | None:
    """Return the folder with Swagger UI that BentoML brings, None without BentoML; BentoML is not imported."""
    found = find_spec("bentoml")
    folder = Path(found.origin).parent / "_internal" / "server" / "static_content" if found and found.origin else None
    return folder if folder and (folder / "swagger-ui-bundle.js").is_file() else None


def add_docs(app: FastAPI) -> None:
    """Let `app` answer at `/docs`, without asking who is there: the page shows what anybody may read."""
    from fastapi.openapi.docs import get_swagger_ui_html
    from fastapi.responses import HTMLResponse
    from starlette.staticfiles import StaticFiles

    program = swagger_program()
    if program:
        app.mount(STATIC, StaticFiles(directory=program))

    @app.get(DOCS, include_in_schema=False)
    def docs() -> HTMLResponse:
        if program:
            return HTMLResponse(swagger_page(app.title))
        return get_swagger_ui_html(openapi_url=f".{DESCRIPTION}", title=app.title)
