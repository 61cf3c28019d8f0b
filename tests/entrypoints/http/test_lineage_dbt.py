"""dbt with its own OpenLineage emitter, unchanged, against lineage over HTTP; an incremental model among its tables.

dbt lives in an environment of its own. Collected where HANDRAIL_TEST_DBT is set, as in CI.
"""

import os

import sqlalchemy as sa

from handrail.lineage.adapters.sql.tables import metadata
from tests.fakes.dbt_project import emit, write_project
from tests.fakes.lineage_server import a_platform, a_token, served

SALES = "duckdb://shop.duckdb/shop.main.sales"
ORDERS = "duckdb://shop.duckdb/shop.main.orders"


def rows(platform, table):
    with platform.store.read() as connection:
        return connection.execute(sa.select(metadata.tables[f"lineage_{table}"])).mappings().all()


if os.environ.get("HANDRAIL_TEST_DBT"):

    def test_dbts_own_emitter_points_here_and_an_incremental_model_closes_no_circle(tmp_path):
        platform = a_platform(tmp_path / "handrail")
        write_project(tmp_path / "shop")
        with served(platform) as address:
            token = a_token(platform, "dbt")
            said = [emit(tmp_path / "shop", address, token) for _ in range(2)]

        assert all("Emitted 8 OpenLineage events" in each for each in said)
        assert len(rows(platform, "event")) == 16, "none was refused"
        assert {row["state_rank"] for row in rows(platform, "run")} == {4}
        trace = platform.lineage.trace(SALES)
        kinds = [node.kind for node in trace.nodes]
        assert ORDERS in {node.uri for node in trace.nodes}
        assert kinds.count("run") == 4, "two builds of two models"
        assert {teller for edge in trace.edges for teller in edge.asserted_by} == {"actor://service/dbt"}
        platform.close()
