"""A body that follows a course of feeling: heart, breath, skin, pulse and movement, from the literature."""
