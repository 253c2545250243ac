"""The built-in finders, a kind or a family of kinds each, over a `Passage`: what a text looks like to all of them."""
