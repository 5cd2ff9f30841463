"""Models that are trained, many at once, to check predictions against. They need torch."""
