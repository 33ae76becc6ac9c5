"""Running notebooks in parallel and gathering what they found.

``planning`` says which notebooks and with which parameters, ``pool`` executes them in worker
processes (``worker``), ``results`` gathers their checks, ``publishing`` writes and moves pages,
and ``runner`` is the whole of it. Nothing heavy is imported here.
"""

# Seconds of wall-clock time that one notebook may take, unless told otherwise.
TIME_LIMIT = 300.0
# Version of what docs/schemas/ describes: results.json, manifest.json, a line of history.jsonl.
SCHEMA = 1
