"""New vintages of the data from their public sources."""
