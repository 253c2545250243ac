"""What a site adds: finders of its own, a roster of values, values that stay, and models that it installed."""
