"""unclip: a complete, self-hosted DALL-E 2."""
