"""The story of one model, from raw file to deployment, in a real store."""

from __future__ import annotations

from handrail.bootstrap.lineage import FeedbackPredictions
from handrail.lineage.adapters.openlineage.writer import write_events
from handrail.lineage.adapters.sql.graph import SqlGraph
from handrail.lineage.adapters.sql.pointers import SqlPointers
from handrail.lineage.ports import LineagePorts
from handrail.lineage.service.lineage import Lineage
from tests.fakes.lineage import STAGES, PipelineInMemory, story


def story_in(platform, project):
    """Record the story in a platform's store, and return the lineage that did; the pipeline alone is in memory."""
    assert platform.lineage.findings() == ()
    lineage = Lineage(
        LineagePorts(
            graph=SqlGraph(platform.store),
            pointers=SqlPointers(platform.store),
            predictions=FeedbackPredictions(lambda: platform.feedback),
            pipelines=PipelineInMemory(STAGES),
            repository="shop",
            write_events=write_events,
        )
    )
    for call in story(project):
        call(lineage)
    return lineage
