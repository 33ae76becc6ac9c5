"""The machine behind the ``rotation`` command: running, reporting, refreshing, unattended runs."""
