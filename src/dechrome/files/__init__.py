"""Files -> records -> predictions -> files: what the command line's ``predict`` and ``clean`` run on.

``formats`` (names, compression, folders), ``archives`` and ``reading`` (file -> records), ``writing``
(records and predictions -> bytes), ``tally`` (what was kept), ``shards`` (output files, resume, bad
records), ``runs`` (many files as one stream).
"""
