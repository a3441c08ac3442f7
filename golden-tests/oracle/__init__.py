"""An oracle for Weft: what its manual says a request gets, in a second hand.

Nothing here reads the compiler, the snapshot or the proxy: it was written from the manual, `weft explain` and the
schema, and holds `weft` and `weft-proxy` against what they promise. See `README.md` beside this file.
"""
