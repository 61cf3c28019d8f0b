"""What the trees of lineage say to eyes, over fakes."""

import re

import pytest
from rich.console import Console

from handrail.entrypoints.cli.lineage_output import draw_impact, draw_trace
from handrail.lineage.domain import artifact_at
from tests.fakes.lineage import open_in_memory

ORDERS = artifact_at("s3://lake/orders")
VALIDATION = artifact_at("gx://shop/validation/v9")


@pytest.fixture
def lineage():
    opened = open_in_memory()
    opened.derive(VALIDATION, ORDERS)
    for number in range(11):
        opened.derive(artifact_at(f"feast://shop/feature_view/v{number}@1"), ORDERS)
    return opened


def drawn(tree, width=400):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(tree)
    return captured.get()


def test_an_impact_names_whatever_there_is_little_of_and_counts_the_rest(lineage):
    out = drawn(draw_impact(lineage.impact(ORDERS.uri)))

    assert re.search(r"validations \(1\)\n.*gx://shop/validation/v9\n", out)
    assert re.search(r"besides, list them with --nodes\n.* 11 feature views\n", out)
    assert "0 predictions" not in out
    assert "12 artifacts and activities came of it" in out


def test_what_nothing_came_of_and_what_nothing_led_to_say_so(lineage):
    assert "Nothing came of it." in drawn(draw_impact(lineage.impact(VALIDATION.uri)))
    assert "No hop leads from it" in drawn(draw_trace(lineage.trace(ORDERS.uri)))
    assert "0 of 1 hop proven (digests agree on both sides), others asserted" in drawn(
        draw_trace(lineage.trace(VALIDATION.uri))
    )
