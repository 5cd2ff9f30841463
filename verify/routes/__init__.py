"""The routes of evidence: each measures an expansion or a landscape in a way that shares no code with its derivation.

`definition` lists those of a definition; `training` has the models that are trained, `reopening` the modes that have
collapsed.
"""
