"""Commands about registered versions: where they came from, which is in service, and what an auditor asks."""
