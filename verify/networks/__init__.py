"""Deep networks: their shapes, how they are trained on images, and what their features are worth. They need torch."""
