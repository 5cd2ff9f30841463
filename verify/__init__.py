"""Checks of derived formulas by routes that share no code with the derivation."""
