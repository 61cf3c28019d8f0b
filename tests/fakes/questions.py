"""Questions to an evaluator, about trees and rows that are made for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from handrail.approvals.domain.evaluation import Package, Question
from handrail.files import sha256_of
from tests.fakes.approvals_evidence import PLAN
from tests.fakes.labelled_rows import files_of, write_rows


class Questions:
    """Makes questions below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def package(self, weights: tuple[float, float], **more: Any) -> Package:
        self._made += 1
        files = files_of(self._folder / f"tree-{self._made}", weights, **more)
        return Package(files["scoring.json"], files["onnx/model.onnx"])

    def ask(
        self,
        candidate: tuple[float, float] | Package,
        incumbent: tuple[float, float] | None = None,
        rows: pl.DataFrame | Path | None = None,
        **plan: Any,
    ) -> Question:
        file = rows if isinstance(rows, Path) else write_rows(self._folder / "rows.parquet", rows)
        return Question(
            plan=replace(PLAN, **plan),
            candidate=candidate if isinstance(candidate, Package) else self.package(candidate),
            incumbent=self.package(incumbent) if incumbent else None,
            snapshot=str(file),
            snapshot_digest=f"sha256:{sha256_of(file)}",
        )
