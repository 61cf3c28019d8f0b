"""A dbt project of two tables, one of them incremental, and dbt with its OpenLineage emitter in its own environment."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tests" / "entrypoints" / "dbt" / "requirements.txt"
PEER = ROOT / ".handrail" / "peers" / "dbt"
DEADLINE_S = 300
FILES = {
    "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: [models]\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 1}}}\n",
    "models/orders.sql": "{{ config(materialized='table') }}\nselect 1 as id, 10.0 as price\n",
    "models/sales.sql": """{{ config(materialized='incremental', unique_key='id') }}
select id, price from {{ ref('orders') }}
{% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}
""",
    "models/schema.yml": """version: 2
models:
  - name: sales
    columns: [{name: id, data_tests: [not_null]}]
""",
}


def write_project(folder):
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def install():
    """Make the environment if it is not there; return its folder of commands. Safe to interrupt and to repeat."""
    PEER.parent.mkdir(parents=True, exist_ok=True)
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp = PEER / "installed"
    with PEER.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != wanted:
            uv = [str(Path(sys.executable).with_name("uv"))]
            run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(PEER)])
            python = str(PEER / "bin" / "python")
            run([*uv, "pip", "install", "--quiet", "--no-deps", "--python", python, "-r", str(REQUIREMENTS)])
            stamp.write_text(wanted)
    return PEER / "bin"


def emit(folder, address, token, command="build"):
    """Run dbt in a project, its own emitter pointed at `address`; return what it printed."""
    binaries = install()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OPENLINEAGE", "DBT_"))}
    environment = inherited | {
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "OPENLINEAGE_URL": address,
        "OPENLINEAGE_API_KEY": token,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    where = ["--project-dir", str(folder), "--profiles-dir", str(folder)]
    return run([str(binaries / "dbt-ol"), command, *where], environment, folder)


def run(command, environment=None, folder=None):
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
