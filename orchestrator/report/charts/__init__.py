"""The pictures of a report: a module for each, and what they share.

`PICTURES` has them in the order of the page. To add one, write `charts/NAME.py` with a `build` that makes a `Figure` of
the material, or None where there is nothing to see, and enter it here.
"""
