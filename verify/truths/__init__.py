"""The losses as they are defined, in numbers: written by hand in torch, or evaluated from their definition.

`torch_losses` has the losses by hand, `evaluated_truth` evaluates a definition. Nothing here uses
an expansion; every check compares with this.
"""
