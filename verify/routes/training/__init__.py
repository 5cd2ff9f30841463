"""Models that are really trained, many at once: the last word on a prediction. They need torch."""
