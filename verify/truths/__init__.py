"""The losses as they are defined, in numbers: written by hand in torch, or evaluated from their definition.

Nothing here uses an expansion; every check compares with these.
"""
