"""Texts from the project's config folder: policies/<name>.yaml, roles.yaml and objectives.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from handrail.approvals.adapters.changed_files import ChangedFiles
from handrail.approvals.rule_ports import RuleText, RuleTexts
from handrail.config import read_text

KEEPS_THE_FOLDER = ".gitkeep"


class FolderTexts(RuleTexts):
    """Keeps the promise of `RuleTexts` with files that people edit."""

    def __init__(self, config: Path, own: Path | None = None) -> None:
        """Read below the project's config folder; what lies in the folder `own` of an environment stands in its place.

        The policies of an environment are its own as a whole: one that is not among them does not rule there.
        """
        self._roles, self._objectives, self._policies = (
            own / name if own is not None and (own / name).exists() else config / name
            for name in ("roles.yaml", "objectives.yaml", "policies")
        )
        self._changed = ChangedFiles()

    def names(self) -> Sequence[str]:
        """Return the name of each policy, in order: that of its file without `.yaml`."""
        return [file.stem for file in self._listed() if _is_policy(file)]

    def policy(self, name: str) -> RuleText:
        """Return the text of a policy of `names`.

        Raises:
            Misconfigured: it is gone by now, cannot be read, or is not UTF-8.
        """
        return self._text(self._policies / f"{name}.yaml")

    def roles(self) -> RuleText:
        """Return the text that says who is who.

        Raises:
            Misconfigured: it is missing, cannot be read, or is not UTF-8.
        """
        return self._text(self._roles)

    def objectives(self) -> RuleText:
        """Return the text that says what the business wants in figures.

        Raises:
            Misconfigured: it is missing, cannot be read, or is not UTF-8.
        """
        return self._text(self._objectives)

    def place(self) -> str:
        """Return the folder of the policies."""
        return str(self._policies)

    def strays(self) -> Sequence[str]:
        """Return, in order, the names of what is no `.yaml` file: nothing else may lie among the policies."""
        return [file.name for file in self._listed() if file.name != KEEPS_THE_FOLDER and not _is_policy(file)]

    def _listed(self) -> Sequence[Path]:
        return sorted(self._policies.glob("*"))

    def _text(self, file: Path) -> RuleText:
        return self._changed.read(file, lambda: RuleText(str(file), read_text(file)))


def _is_policy(file: Path) -> bool:
    return file.suffix == ".yaml" and not file.name.startswith(".") and file.is_file()
