"""Where the polynomials of src/ln.rs, src/exp.rs and src/decay.rs come from.

    pip install mpmath && python3 kernels/minimax.py

Remez exchange in 60 digits for a weighted polynomial approximation; the coefficients are then
rounded to the nearest double (or float). Prints each as a Rust literal, lowest degree first, with
the largest weighted error as a power of two.
"""

import struct

from mpmath import mp, mpf, chebyt, cos, exp, fabs, ln, log, lu_solve, matrix, pi, polyval, sqrt

mp.dps = 60


def remez(function, weight, low, high, degree, rounds=12, grid=3000):
    """Minimises max |weight(x) (polynomial(x) - function(x))| on [low, high]."""
    count = degree + 2
    nodes = [(low + high) / 2 - (high - low) / 2 * cos(pi * (i + mpf(1) / 2) / count) for i in range(count)]
    for _ in range(rounds):
        system = matrix(count, count)
        right = matrix(count, 1)
        for row, x in enumerate(nodes):
            for column in range(degree + 1):
                system[row, column] = x**column
            system[row, degree + 1] = (-1) ** row / weight(x)
            right[row] = function(x)
        solution = lu_solve(system, right)
        coefficients = [solution[i] for i in range(degree + 1)]

        def error(x):
            return weight(x) * (polyval(coefficients[::-1], x) - function(x))

        points = [low + (high - low) * (1 - cos(pi * i / grid)) / 2 for i in range(grid + 1)]
        values = [error(x) for x in points]
        extrema = []
        start = 0
        for i in range(1, grid + 2):
            if i > grid or (values[i] > 0) != (values[start] > 0):
                best = max(range(start, i), key=lambda j: fabs(values[j]))
                extrema.append(points[best])
                start = i
        if len(extrema) < count:
            break
        while len(extrema) > count:
            if fabs(error(extrema[0])) < fabs(error(extrema[-1])):
                extrema.pop(0)
            else:
                extrema.pop()
        nodes = extrema
    return coefficients, max(fabs(v) for v in values)


def as_float(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


def show(name, coefficients, error, rounded=float):
    print(f"{name}: largest weighted error 2^{float(log(error, 2)):.1f}")
    for c in coefficients:
        print(f"    {rounded(c)!r},")


def atanh_tail(z):
    """(2 atanh(s) - 2 s) / (s z) for z = s^2."""
    if z < mpf(10) ** -14:
        return mpf(2) / 3 + 2 * z / 5 + 2 * z * z / 7
    s = sqrt(z)
    return (ln((1 + s) / (1 - s)) - 2 * s) / (s * z)


def exp_tail(r):
    """(e^r - 1 - r) / r^2."""
    if fabs(r) < mpf(10) ** -14:
        return mpf(1) / 2 + r / 6 + r * r / 24
    return (exp(r) - 1 - r) / r**2


def exp2_tail(r):
    """(2^r - 1) / r."""
    if fabs(r) < mpf(10) ** -14:
        return ln(2) + r * ln(2) ** 2 / 2
    return (mpf(2) ** r - 1) / r


S_MAX = (sqrt(2) - 1) / (sqrt(2) + 1)
HALF_LN2 = ln(2) / 2 * (1 + mpf(2) ** -20)

if __name__ == "__main__":
    for degree in (5, 6):
        # An error of the tail enters ln(1 + f), about 2 s, as s z: relatively as z / 2.
        show(f"ln, degree {degree}", *remez(atanh_tail, lambda z: z / 2 + mpf(2) ** -40, mpf(0), S_MAX**2, degree))
    for degree in (8, 9):
        show(f"exp, degree {degree}", *remez(exp_tail, lambda r: (r * r + mpf(2) ** -40) / exp(r), -HALF_LN2, HALF_LN2, degree))
    for degree in (4, 5):
        show(f"2^r in f32, degree {degree}", *remez(exp2_tail, lambda r: (fabs(r) + mpf(2) ** -30) / 2**r, mpf(-1) / 2, mpf(1) / 2, degree), as_float)
    ln2_high = mpf(int(ln(2) * 2**32)) / 2**32
    print("ln 2, high part in 32 bits and the rest:", repr(float(ln2_high)), repr(float(ln(2) - ln2_high)))
