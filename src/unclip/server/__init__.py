"""The server: OpenAI's Images API, and a door of our own beside it. It imports no torch itself."""
