"""Check Grafana's dashboards against Grafana's own schema, as TypeScript checks an object against its type.

Part of `make check-monitoring`; needs npm. The schema (`@grafana/schema`) and the compiler have an environment of
their own, `.handrail/peers/grafana`. A field that Grafana does not know is an error, and so is one of another type.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = ROOT / "infra" / "grafana"
PEER = ROOT / ".handrail" / "peers" / "grafana"
PACKAGES = ("@grafana/schema@13.0.1", "typescript@5.9.3")
TYPES = "./node_modules/@grafana/schema/dist/types"
IMPORTS = f"""import type {{ Dashboard, Panel }} from '{TYPES}/raw/dashboard/x/types.gen';
import type {{ Options as timeseries }} from '{TYPES}/raw/composable/timeseries/panelcfg/x/types.gen';
import type {{ Options as stat }} from '{TYPES}/raw/composable/stat/panelcfg/x/types.gen';
import type {{ DataQuery }} from '{TYPES}/common/common.gen';
type Plain<T> = T extends string ? `${{T}}` : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? {{ [K in keyof T]: Plain<T[K]> }} : T;
interface Query extends DataQuery {{ expr: string; legendFormat: string; range: boolean; instant: boolean }}
"""
"""In JSON an enumeration is its text. Prometheus's query is not in the package: a DataQuery with four fields more."""


def main() -> int:
    """Return how many dashboards are not what Grafana expects."""
    _install()
    wrong = sum(not _is_right(file) for file in sorted(DASHBOARDS.glob("*.json")))
    sys.stdout.write("Every dashboard is of Grafana's types.\n" if not wrong else f"{wrong} dashboards are not.\n")
    return wrong


def check(dashboard: dict[str, Any], name: str) -> str:
    """Return what the compiler says of a dashboard; nothing if it is right."""
    panels = dashboard.get("panels", [])
    lines = [IMPORTS, f"export const whole: Plain<Dashboard> = {json.dumps(dashboard)};"]
    for place, panel in enumerate(panels):
        lines.append(f"export const panel{place}: Plain<Panel> = {json.dumps(panel)};")
        lines.append(f"export const options{place}: Plain<{panel['type']}> = {json.dumps(panel['options'])};")
        for number, target in enumerate(panel.get("targets", [])):
            lines.append(f"export const target{place}_{number}: Plain<Query> = {json.dumps(target)};")
    file = PEER / f"{name}.ts"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    compiler = [str(PEER / "node_modules" / ".bin" / "tsc"), "--noEmit", "--strict", "--skipLibCheck"]
    compiler += ["--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022", str(file)]
    done = subprocess.run(compiler, cwd=PEER, check=False, capture_output=True, text=True)
    return done.stdout if done.returncode else ""


def _install() -> None:
    if not (PEER / "node_modules" / ".bin" / "tsc").exists():
        PEER.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", PEER, *PACKAGES],
            check=True,
        )


def _is_right(file: Path) -> bool:
    said = check(json.loads(file.read_text(encoding="utf-8")), file.stem)
    if said:
        sys.stdout.write(f"{file.relative_to(ROOT)}:\n{said}")
    return not said


if __name__ == "__main__":
    sys.exit(main())
