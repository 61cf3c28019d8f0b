"""A small Feast repository with Handrail's provider: orders of customers, in a project with or without DVC."""

import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import polars as pl
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64
from feast.value_type import ValueType

PROVIDER = "handrail.feast.HandrailProvider"
HANDRAIL_STORE = "handrail.feast.HandrailOfflineStore"
START = datetime(2024, 1, 1, tzinfo=UTC)
YAML = """
project: shop
provider: {provider}
registry: registry.db
offline_store: {{type: {store}}}
online_store: {{type: sqlite, path: online.db}}
entity_key_serialization_version: 3
"""


def hour(number: int) -> datetime:
    """Return an hour of the shop's day."""
    return START + timedelta(hours=number)


def write_orders(folder: Path, first: float = 1.0) -> Path:
    """Write what customers 1 and 2 ordered; `first` is the first amount."""
    file = folder / "orders.parquet"
    rows = {"customer": [1, 2, 1], "at": [hour(0), hour(1), hour(2)], "amount": [first, 2.0, 3.0]}
    pl.DataFrame(rows).write_parquet(file)
    return file


def objects(folder: Path) -> list:
    """Return an entity, views over a file, a push source and a request, and services."""
    customer = Entity(name="customer", join_keys=["customer"], value_type=ValueType.INT64)
    key, amount = Field(name="customer", dtype=Int64), Field(name="amount", dtype=Float64)
    source = FileSource(name="orders", path=str(folder / "orders.parquet"), timestamp_field="at")
    orders = FeatureView(
        name="orders", entities=[customer], ttl=timedelta(days=30), schema=[key, amount], source=source
    )
    clicks = FeatureView(
        name="clicks",
        entities=[customer],
        schema=[key, Field(name="clicks", dtype=Int64)],
        source=PushSource(
            name="clicks_pushed",
            batch_source=FileSource(name="clicks", path=str(folder / "clicks.parquet"), timestamp_field="at"),
        ),
    )
    request = RequestSource(name="basket", schema=[Field(name="basket", dtype=Float64)])

    @on_demand_feature_view(sources=[orders, request], schema=[Field(name="share", dtype=Float64)], mode="pandas")
    def share(rows):
        return pd.DataFrame({"share": rows["basket"] / rows["amount"]})

    services = [
        FeatureService(name="checkout", features=[orders, share]),
        FeatureService(name="shares", features=[share]),
        FeatureService(name="orders_alone", features=[orders]),
    ]
    return [customer, orders, clicks, clicks.stream_source, share, *services]


def open_shop(folder: Path, store: str = HANDRAIL_STORE, provider: str = PROVIDER) -> FeatureStore:
    """Lay out the repository in `folder`, register everything and return its store."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "feature_store.yaml").write_text(YAML.format(provider=provider, store=store))
    write_orders(folder)
    pl.DataFrame({"customer": [1], "at": [hour(0)], "clicks": [7]}).write_parquet(folder / "clicks.parquet")
    shop = FeatureStore(repo_path=str(folder))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="On demand feature view is an experimental feature")
        shop.apply(objects(folder))
    return shop


def asked(rows: int = 3) -> pd.DataFrame:
    """Return entity rows at the third hour."""
    customers = [1 + n % 2 for n in range(rows)]
    moments = pd.to_datetime([hour(3)] * rows, utc=True)
    return pd.DataFrame({"customer": customers, "event_timestamp": moments, "basket": [6.0] * rows})
