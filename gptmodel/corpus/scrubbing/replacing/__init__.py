"""What takes a finding's place, and the search of what that brings to light."""
