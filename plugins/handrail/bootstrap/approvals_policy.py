"""Opens policies and roles from any folder: the project's, or others to check, compare and try before they rule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from handrail.approvals.domain.review import differences, weak_points

if TYPE_CHECKING:
    from handrail.approvals.adapters.yaml_rules import YamlRules

__all__ = ["differences", "open_rules", "weak_points"]


def open_rules(config: Path) -> YamlRules:
    """Open the policies and roles of a folder, as the gate reads them."""
    from handrail.approvals.adapters.folder_texts import FolderTexts
    from handrail.approvals.adapters.yaml_rules import YamlRules

    return YamlRules(FolderTexts(config))
