"""What an expansion or a closed form says about training: stationary points, minima, collapse, growth, transitions.

`landscape` has the landscape through order 4, `closed_form` and `exact_modes` those to all orders, `summary` all of it
together.
"""
