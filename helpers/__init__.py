"""Shared code of the rotation claims notebooks; each module has one job."""

__version__ = "0.2.0"
