"""Opens policies and roles from any folder: the project's, or others to check, compare and try before they rule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from handrail.approvals.domain.review import differences, weak_points

if TYPE_CHECKING:
    from handrail.approvals.adapters.folder_texts import FolderTexts
    from handrail.approvals.adapters.yaml_rules import YamlRules
    from handrail.refs import Use
    from handrail.settings import Settings

__all__ = ["differences", "open_project_rules", "open_rules", "permit_in", "project_texts", "weak_points"]


def open_rules(config: Path) -> YamlRules:
    """Open the policies and roles of a folder, as the gate reads them."""
    from handrail.approvals.adapters.folder_texts import FolderTexts
    from handrail.approvals.adapters.yaml_rules import YamlRules

    return YamlRules(FolderTexts(config))


def open_project_rules(settings: Settings) -> YamlRules:
    """Open the policies and roles of the project's environment, as the gate reads them."""
    from handrail.approvals.adapters.yaml_rules import YamlRules

    return YamlRules(project_texts(settings))


def project_texts(settings: Settings) -> FolderTexts:
    """Return the texts of the project's rules; those in config/environments/<environment> stand in others' place."""
    from handrail.approvals.adapters.folder_texts import FolderTexts

    return FolderTexts(settings.config, settings.config / "environments" / settings.environment)


def permit_in(folder: Path, use: Use, digest: str) -> Path:
    """Return where the permit for a use and a tree lies in a copy of a gate's folder of permits."""
    from handrail.approvals.adapters.folder_shelf import permit_file

    return permit_file(folder, use, digest)
