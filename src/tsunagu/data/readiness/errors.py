"""What cannot be said of a dataset."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError


class TooManyFilesError(ConflictError):
    """A document that names every file would be too large to be read."""

    code = "readiness.too_many_files"
    default_message = "This version holds more files than one document can name."
    default_remedy = "Make it AI-ready: many files of one kind become one table."
