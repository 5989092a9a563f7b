"""The steps. Each says which one it follows; one that was published is never changed."""
