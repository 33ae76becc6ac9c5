"""Running notebooks: plan, execute, gather, publish."""
