"""What a view is does not change when it is applied again, commented, tagged or moved to another clone."""

from datetime import timedelta

import pandas as pd
import pytest
from feast import BigQuerySource, Entity, FeatureView, Field, FileSource, RequestSource
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.types import Float64, Int64
from feast.value_type import ValueType

from handrail.entrypoints.feast.identity import identity_of, portable, spec_hash
from tests.entrypoints.feast.provider.shop import hour, objects, open_shop

pytestmark = pytest.mark.filterwarnings("ignore:.* is an experimental feature:RuntimeWarning")

CUSTOMER = Entity(name="customer", join_keys=["customer"], value_type=ValueType.INT64)
KEY = Field(name="customer", dtype=Int64)
BASKET = RequestSource(name="basket", schema=[Field(name="basket", dtype=Float64)])


def copied(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.copy()


def doubled(rows: pd.DataFrame) -> pd.DataFrame:
    return rows * 2


CODE = "def share(rows):\n    return rows * 2\n"


def view(**changes):
    told = {
        "name": "orders",
        "entities": [CUSTOMER],
        "ttl": timedelta(days=1),
        "schema": [KEY, Field(name="amount", dtype=Float64), Field(name="items", dtype=Int64)],
        "source": FileSource(path="data/orders.parquet", timestamp_field="at"),
    }
    return FeatureView(**(told | changes))


def on_demand(code, **changes):
    return OnDemandFeatureView(
        name="share",
        sources=[BASKET],
        schema=[Field(name="share", dtype=Float64)],
        mode="pandas",
        udf=copied,
        udf_string=code,
        **changes,
    )


def test_applying_again_changes_nothing(tmp_path):
    shop = open_shop(tmp_path)
    first = {view.name: spec_hash(view) for view in shop.list_all_feature_views()}
    service = spec_hash(shop.get_feature_service("checkout"))

    for _ in range(2):
        shop.apply(objects(tmp_path))
        shop.refresh_registry()

    assert {view.name: spec_hash(view) for view in shop.list_all_feature_views()} == first
    assert {"orders", "clicks", "share"} <= set(first)
    assert spec_hash(shop.get_feature_service("checkout")) == service


def test_materialising_changes_nothing(tmp_path):
    shop = open_shop(tmp_path)
    before = spec_hash(shop.get_feature_view("orders"))

    shop.materialize(hour(0), hour(5), feature_views=["orders"])

    assert spec_hash(shop.get_feature_view("orders")) == before


def test_two_clones_have_equal_views_and_services(tmp_path):
    identities = []
    for clone in ("one", "other"):
        shop = open_shop(tmp_path / clone)
        identities.append(identity_of(shop.get_feature_service("checkout"), shop.list_all_feature_views()))

    assert identities[0] == identities[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"tags": {"team": "sales"}},
        {"owner": "ann@example.org"},
        {"description": "What customers bought"},
        {"schema": [Field(name="items", dtype=Int64), KEY, Field(name="amount", dtype=Float64, tags={"unit": "EUR"})]},
        {"source": FileSource(path="data/orders.parquet", timestamp_field="at", description="d", owner="o")},
    ],
    ids=["tags", "owner", "description", "order of the schema", "description of the source"],
)
def test_what_is_only_said_about_a_view_changes_nothing(changes):
    assert spec_hash(view(**changes)) == spec_hash(view())


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "bought"},
        {"ttl": timedelta(days=2)},
        {"schema": [KEY, Field(name="amount", dtype=Int64), Field(name="items", dtype=Int64)]},
        {"schema": [KEY, Field(name="amount", dtype=Float64)]},
        {"entities": [Entity(name="client", join_keys=["customer"], value_type=ValueType.INT64)]},
        {"source": FileSource(path="data/returns.parquet", timestamp_field="at")},
        {"source": FileSource(path="archive/orders.parquet", timestamp_field="at")},
        {"source": FileSource(path="s3://lake/orders.parquet", timestamp_field="at")},
        {"source": FileSource(path="data/orders.parquet", timestamp_field="shipped")},
        {"source": FileSource(path="data/orders.parquet", timestamp_field="at", field_mapping={"value": "amount"})},
        {"source": BigQuerySource(table="shop.orders", timestamp_field="at")},
    ],
)
def test_what_a_view_computes_changes_its_identity(changes):
    assert spec_hash(view(**changes)) != spec_hash(view())


@pytest.mark.parametrize(
    "code",
    [
        "def share(rows):\n    # twice\n    return rows * 2\n",
        "def share(rows):  # of the basket\n    return rows * 2  # two\n",
        f"@on_demand_feature_view(\n    sources=[basket], tags={{'team': 'sales'}}\n)\n{CODE}",
    ],
    ids=["a line", "after code", "a decorator with tags"],
)
def test_comments_and_decorators_of_a_transformation_change_nothing(code):
    assert spec_hash(on_demand(code)) == spec_hash(on_demand(CODE))


def test_a_number_sign_in_a_text_is_no_comment():
    one, other = (f'def share(rows):\n    return rows["#{name}"]\n' for name in "ab")

    assert spec_hash(on_demand(one)) != spec_hash(on_demand(other))


def test_code_of_a_transformation_changes_its_identity():
    assert spec_hash(on_demand(CODE.replace("2", "3"))) != spec_hash(on_demand(CODE))
    assert spec_hash(on_demand("no python at all (")) != spec_hash(on_demand(CODE))


def test_the_pickle_of_a_transformation_does_not_count():
    other = on_demand(CODE)
    doubled.__name__ = copied.__name__
    other.feature_transformation.udf = doubled

    assert spec_hash(other) == spec_hash(on_demand(CODE))


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ("/home/ann/shop/data/orders.parquet", "orders.parquet"),
        ("file:///home/ann/my%20shop/orders.parquet", "orders.parquet"),
        ("data/orders.parquet", "data/orders.parquet"),
        ("s3://lake/orders.parquet", "s3://lake/orders.parquet"),
    ],
)
def test_only_the_folder_of_an_absolute_path_is_left_out(place, kept):
    assert portable(place) == kept
