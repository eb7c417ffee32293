"""The one exception that a user can mend."""


class UserError(Exception):
    """Bad input, told in a sentence: what was found, where, and what was expected instead.

    Stages print it without a traceback and exit with status 1.
    """
