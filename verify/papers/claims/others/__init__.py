"""Ledgers of other papers of the field, one a file; each says what of its paper was read."""
