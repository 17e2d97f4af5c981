"""What can be wrong with what a user hands us. Each is a ValueError too, so callers need not know them."""

from __future__ import annotations

__all__ = ["CorpusFormatError", "DechromeError", "InputError", "ModelFormatError"]


class DechromeError(ValueError):
    """Base of our errors; the command line prints its message on one line and exits with 2."""


class InputError(DechromeError):
    """A file or stream that cannot be read as a document: missing, binary, wrongly encoded."""


class ModelFormatError(DechromeError):
    """A model folder or an encoder that is incomplete, damaged, or of a format this version does not know."""


class CorpusFormatError(DechromeError):
    """A corpus, page layout or seed file that does not follow its schema."""
