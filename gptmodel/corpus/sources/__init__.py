"""Where text comes from: files, archives, URLs and data sets become shards of documents (the stage `ingest`)."""
