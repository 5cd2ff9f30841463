"""Whether a collapsed mode reopens, measured on second derivatives of the loss in its direction.

`transverse` measures the curvature, `transition` the augmentation at which it changes sign.
"""
