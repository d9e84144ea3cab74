"""The door of readiness: documents that describe a frozen version to other systems."""

from tsunagu.data.readiness.errors import TooManyFilesError
from tsunagu.data.readiness.record import croissant, ro_crate

__all__ = ["TooManyFilesError", "croissant", "ro_crate"]
