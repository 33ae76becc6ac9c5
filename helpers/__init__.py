"""Shared code of the rotation claims notebooks; each module has one job."""

__version__ = "0.1.0"
