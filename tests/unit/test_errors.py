"""Errors are sentences with a remedy."""

import pytest

from handrail import errors

EXAMPLES = [
    errors.Misconfigured("roles.yaml", "'rolls' is unknown", "Write 'roles'."),
    errors.InvalidInput("distance", "it is not a number", "Send miles."),
    errors.UnknownReference("prediction", "p-1", "List them."),
    errors.Conflict("event", "e-1", "Send a revision."),
    errors.Refused("Promotion", ("No quorum.",)),
    errors.Contradiction("Deciding", ("It was decided.",)),
    errors.FolderNotEmpty("work"),
    errors.Unavailable("Port 5000", "it is taken", "Free it."),
    errors.Busy(50_000, 1),
    errors.MissingTool("feast", "feast"),
    errors.MissingFile("dvc.lock", "Run: dvc repro."),
]


def _tree(root):
    return {root} | {cls for child in root.__subclasses__() for cls in _tree(child)}


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda e: type(e).__name__)
def test_an_error_is_a_sentence_that_ends_with_a_full_stop(error):
    assert str(error).endswith(".")
    assert isinstance(error, errors.HandrailError)


def test_the_tree_at_the_top_of_the_module_is_complete():
    here = {cls for cls in _tree(errors.HandrailError) if cls.__module__ == "handrail.errors"}

    assert {cls.__name__ for cls in here} <= set(errors.__doc__.split())
    assert {type(error) for error in EXAMPLES} == here - {errors.HandrailError}


def test_a_refusal_keeps_its_reasons_apart():
    assert errors.Refused("Promotion", ("One.", "Two.")).reasons == ("One.", "Two.")


def test_a_missing_tool_names_the_install_command():
    assert "In Handrail's checkout: pip install '.[feast]'." in str(errors.MissingTool("feast", "feast"))
