"""Makes tests/data/ln_exp.csv: logarithms and exponentials, correctly rounded from 200 digits.

    pip install mpmath && python3 kernels/reference.py > kernels/tests/data/ln_exp.csv

Each line: function, argument, result, both as the bits of a double in hexadecimal.
"""

import random
import struct

from mpmath import exp, frexp, ldexp, log, mp, mpf, nint

mp.dps = 200


def bits(x):
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def double(b):
    return struct.unpack("<d", struct.pack("<Q", b))[0]


def rounded(y):
    """The double nearest to y; subnormals and overflow as IEEE has them."""
    if y == 0:
        return 0.0
    _, exponent = frexp(abs(y))
    grid = max(int(exponent) - 53, -1074)
    scaled = nint(ldexp(y, -grid))  # ties do not happen: y is irrational
    if abs(scaled) * mpf(2) ** grid >= mpf(2) ** 1024:
        return float("inf") if y > 0 else float("-inf")
    return float(ldexp(scaled, grid))


def ln_arguments(choice):
    yield from (double(b) for b in (1, 2, 3, 0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x7FEFFFFFFFFFFFFF))
    for around in (0.5**0.5, 1.0, 2.0**0.5, 2.0, 0.5, 10.0):
        yield from (double(bits(around) + d) for d in range(-3, 4))
    for _ in range(150):
        yield double(choice.randrange(1, 0x7FF0000000000000))
    for _ in range(150):
        yield choice.uniform(0.5, 2.0)


def exp_arguments(choice):
    for around in (709.782712893384, -745.1332191019412, -708.3964185322641, 708.0, -708.0, 1.0, -1.0):
        yield from (double(bits(around) + d) for d in range(-3, 4))
    for half in (0.34657359027997264, -0.34657359027997264):
        yield from (double(bits(half) + d) for d in range(-2, 3))
    for _ in range(200):
        yield choice.uniform(-746.0, 710.0)
    for _ in range(100):
        yield choice.uniform(-1.0, 1.0) * 2.0 ** choice.randrange(-60, 1)


if __name__ == "__main__":
    choice = random.Random(6)
    for x in ln_arguments(choice):
        y = 0.0 if x == 1.0 else rounded(log(mpf(x)))
        print(f"ln,{bits(x):016x},{bits(y):016x}")
    for x in exp_arguments(choice):
        print(f"exp,{bits(x):016x},{bits(rounded(exp(mpf(x)))):016x}")
