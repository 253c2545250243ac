"""Train a GPT on the packed tokens: the data in its order, the loop, its records, its checkpoints and its account."""
