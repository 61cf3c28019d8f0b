"""What acquisition does: read pages, hold them against their table, keep them, and only then go on."""

from handrail.acquisition.service.acquiring import Acquiring
from handrail.acquisition.service.following import Following
from handrail.acquisition.service.opening import Opening

__all__ = ["Acquiring", "Following", "Opening"]
