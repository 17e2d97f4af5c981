"""Dechrome inside other engines: each module needs the library it is named for, and nothing else does."""
