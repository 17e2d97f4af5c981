"""Files -> records -> predictions -> files: what the command line's ``predict`` and ``clean`` run on.

``formats`` (names, compression, folders), ``reading`` (file -> records), ``writing`` (records and
predictions -> file), ``runs`` (many files, shards, resume, errors, summary).
"""
