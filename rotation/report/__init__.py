"""The pages of a run: cells, site, delivery."""
