"""What says the same: exact and near duplicates, repeated lines, contaminated documents (the stage `deduplicate`)."""
