"""Curvature of a recorded function over boxes: what the second derivatives can be, and which operation decides."""
