"""Collapsed modes: whether one reopens, measured on the second derivatives of the loss across them.

`transverse` has the curvature, `transition` the augmentation at which it changes sign.
"""
