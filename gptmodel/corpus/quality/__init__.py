"""Whether a model may be trained on it: statistics held against Great Expectations (the stage `quality gate`)."""
