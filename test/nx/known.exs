# {module, test, reason}: tests of Nx that fail with an opaque backend, or with this one, and why that is right.
[]
