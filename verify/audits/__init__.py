"""The whole check of one loss: of a definition, or of a torch function that this project has never seen.

`definition` audits a definition, `blackbox` a function; `target` finds the loss that the command is given.
"""
