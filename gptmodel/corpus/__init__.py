"""Text in, text out: sources, cleaning, scrubbing, duplicates, splits and the quality gate."""
