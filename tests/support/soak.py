"""How much of a long test runs, as tests/support/soak.h has it: a tenth, or all of it with WEIR_SOAK=1."""

import os


def soak(whole: int) -> int:
    return whole if "WEIR_SOAK" in os.environ else whole // 10
