"""The beginning and end of random lives of a gate, and what happens in them to versions and their files."""

from __future__ import annotations

import logging
from collections import Counter
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.fakes.gate_life import Life
from tests.fakes.gate_life_world import Stores

ACCOUNT = st.sampled_from(("ada", "ada-2", "ben", "ben-2", "cleo", "dan", "eve", "fay", "bot", "root", "BEN"))
MODEL, ALIAS = st.sampled_from(("flights", "parcels")), st.sampled_from(("champion", "shadow"))
WORD = st.sampled_from(("approve", "approve", "approve", "approve", "reject", "ask"))
VERSION, PICK = st.integers(1, 4), st.integers(0, 10_000)
EVERYBODY = st.permutations(("ada", "ben", "cleo", "dan", "eve", "fay"))
MOST_VERSIONS = 4


class VersionsLife(RuleBasedStateMachine):
    """One life of a gate. `met` counts over all lives what was reached: a draw that reaches little says little."""

    met: ClassVar[Counter[str]] = Counter()

    def stores(self):
        """Return the stores of this life; `teardown` closes them."""
        return Stores()

    @initialize()
    def begin(self):
        self.log_level = logging.getLogger("handrail").level
        logging.getLogger("handrail").setLevel(logging.CRITICAL)
        self.life = Life(self.stores(), self.met)
        self.serial = self.steps = 0
        for model in ("flights", "parcels"):
            for account in ("ada", "ben"):
                self._register(model, account, "fresh")

    def teardown(self):
        if hasattr(self, "life"):
            logging.getLogger("handrail").setLevel(self.log_level)
            self.life.world.writes.end_in(None)
            self.life.start()
            self.life.place.cleanup()

    # Versions and their files

    @rule(model=MODEL, account=ACCOUNT, kind=st.sampled_from(("fresh", "fresh", "copied", "pickle")), pick=PICK)
    def register(self, model, account, kind, pick):
        if len([number for name, number in self.life.books.versions if name == model]) < MOST_VERSIONS:
            self._register(model, account, kind, pick)

    def _register(self, model, account, kind, pick=0):
        books, numbers = self.life.books, [number for name, number in self.life.books.versions if name == model]
        self.serial += 1
        content = b"weights %d" % self.serial
        if kind == "copied" and books.first_uploaders:
            content = sorted(books.first_uploaders)[pick % len(books.first_uploaders)]
        files = {"MLmodel": b"flavors: {}\n", "onnx/model.onnx": content}
        files |= {"a.pkl": b"\x80\x04%d" % self.serial} if kind == "pickle" else {}
        version = max(numbers, default=0) + 1
        with self.life.act():
            self.life.world.put_version(model, version, self.serial, files, account)
            books.versions[model, version] = {"created": self.serial, "wrote": {account}, "files": files}
            for written in files.values():
                books.first_uploaders.setdefault(written, account)

    @rule(model=MODEL, version=VERSION, account=ACCOUNT, path=st.sampled_from(("onnx/model.onnx", "a.pkl", "b.txt")))
    def upload(self, model, version, account, path):
        self._change(model, version, account, path, b"other %d" % self.serial)

    @rule(model=MODEL, version=VERSION, account=ACCOUNT, path=st.sampled_from(("onnx/model.onnx", "a.pkl", "b.txt")))
    def delete_file(self, model, version, account, path):
        self._change(model, version, account, path, None)

    def _change(self, model, version, account, path, content):
        world, made = self.life.world, self.life.books.versions.get((model, version))
        if made is None or (content is None and path not in made["files"]):
            return
        self.serial += 1
        with self.life.act():
            if content is None:
                world.remove(world.registry.versions[model, version], path, account)
                del made["files"][path]
            else:
                world.write(world.registry.versions[model, version], path, content, account)
                made["files"][path] = content
                self.life.books.first_uploaders.setdefault(content, account)
            made["wrote"].add(account)
            self.life.met["files changed"] += 1

    @rule(model=MODEL, version=VERSION, seldom=st.integers(0, 3))
    def delete_version(self, model, version, seldom):
        if not seldom and (model, version) in self.life.books.versions:
            with self.life.act():
                self.life.world.guard.removal("version", f"{model}/{version}")
                self._gone(model, version)

    @rule(model=MODEL, seldom=st.integers(0, 5))
    def delete_model(self, model, seldom):
        if seldom:
            return
        with self.life.act():
            self.life.world.guard.removal("model", model)
            for name, number in list(self.life.books.versions):
                if name == model:
                    self._gone(model, number)

    def _gone(self, model, version):
        aliases = self.life.world.registry.aliases
        for pointed in [key for key, at in aliases.items() if (key[0], at) == (model, version)]:
            del aliases[pointed]
        del self.life.world.registry.versions[model, version]
        del self.life.books.versions[model, version]
        self.life.met["deleted"] += 1

    @rule(model=MODEL, alias=ALIAS)
    def move_around_the_gate(self, model, alias):
        if self.life.books.ruling(model, alias):
            with self.life.act():
                self.life.world.guard.alias(model, alias.upper())
                raise AssertionError("The alias moves without the gate.")
