"""From several models to one: what they are, what they are joined by, what that is worth, and its folder."""
