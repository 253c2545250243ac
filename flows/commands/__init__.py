"""The commands of `gptmodel`, one file for each group of them."""
