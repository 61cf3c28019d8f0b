"""Files that are swapped through the server while an alias moves: what it points at in the end is what was approved."""

import os
import threading
from contextlib import suppress
from dataclasses import replace

from handrail.approvals.adapters.folder_copies import FolderCopies
from handrail.approvals.adapters.folder_trees import FolderTrees
from handrail.approvals.domain.errors import Closed, Protected
from handrail.approvals.domain.judging import Verdict
from tests.fakes.approvals_world import World
from tests.fakes.effort import count_of

RACES = count_of(200, "RACES")
GOOD, EVIL = b"approved", b"somebody else's"


class Race:
    """A gate over real files, whose author swaps one of them through the server's guard."""

    def __init__(self, folder):
        self.world = World()
        self.world.trees, self.world.copies = FolderTrees(), FolderCopies(folder / "copies")
        self.world.restart()
        self.file = folder / "artifacts" / "model" / "MLmodel"
        self.file.parent.mkdir(parents=True)
        self.file.write_bytes(GOOD)
        tree = str(self.file.parent)
        candidate = replace(self.world.registry.versions["flights", 1], tree=tree)
        self.world.registry.versions["flights", 1] = candidate
        self.world.provenance.record("path", tree, "ada")
        self.request_id = self.world.ask()
        self.world.say(self.request_id, "ben")

    def swap(self, until):
        """Write one content after the other as an upload does: beside it, then under its name, if the guard lets it."""
        beside = self.file.parent.parent / "uploading"
        while not until.is_set():
            for content in (EVIL, GOOD):
                beside.write_bytes(content)
                with suppress(Protected), self.world.guard.changing():
                    self.world.guard.write(str(self.file))
                    os.replace(beside, self.file)

    def promote(self):
        """Take the last decision; return whether the alias moved."""
        try:
            return self.world.say(self.request_id, "cleo") is Verdict.PROMOTED
        except Closed:
            return False


def test_what_an_alias_points_at_is_what_was_approved_whatever_is_swapped_meanwhile(tmp_path):
    outcomes = []
    for number in range(RACES):
        race, until = Race(tmp_path / str(number)), threading.Event()
        swapper = threading.Thread(target=race.swap, args=(until,))
        swapper.start()
        try:
            promoted = race.promote()
            outcomes.append(promoted)
            content = race.file.read_bytes()
        finally:
            until.set()
            swapper.join()
        assert promoted == (race.world.champion() == 1)
        if promoted:
            assert content == race.file.read_bytes() == GOOD
            approved = race.world.ledger.load(race.request_id).request.subject.tree_digest
            assert FolderTrees().manifest(str(race.file.parent)).digest == approved
    assert {True, False} == set(outcomes)
