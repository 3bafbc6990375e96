"""What runs on a board before edgeship is installed there: sent over ssh, kept by nobody.

Nothing but the standard library, in the language of Python 3.7, so that a board that is too old can be told so. `session` is the other
end: it sends these modules and speaks with `agent`.
"""
