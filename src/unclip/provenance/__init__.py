"""Who made a picture: a signed statement with it, an invisible mark in it, and a report on both."""
