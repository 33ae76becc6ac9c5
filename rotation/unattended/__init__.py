"""Scheduled runs: settings, drift, history."""
