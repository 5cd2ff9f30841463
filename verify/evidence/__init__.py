"""Evidence, the verdict that it supports, and the description from which every form of a report is written.

`evidence` decides a verdict, `agreement` and `significance` say how far apart is too far, `description` describes.
"""
