"""NumPy beside the kernels: prints `name,n,nanoseconds an element` for each n of the arguments.

    pip install numpy && python3 kernels/numpy_peer.py 100 100000

The bench runs it: `cargo bench -p knhk-pool-benches --bench kernels -- --python python3`. Results go to
arrays that exist already where NumPy can; each figure is the fastest tenth of the samples.
"""

import sys
import time

import numpy as np


def fastest_tenth(work, elements):
    repeat = max(1, 20_000 // elements)
    work()
    samples = []
    begin = time.perf_counter()
    while len(samples) < 20 or (time.perf_counter() - begin < 0.3 and len(samples) < 2000):
        start = time.perf_counter_ns()
        for _ in range(repeat):
            work()
        samples.append((time.perf_counter_ns() - start) / (repeat * elements))
    return sorted(samples)[len(samples) // 10]


def sub_mul_add(x, y, out):
    np.subtract(x, y, out=out)
    np.multiply(out, 2.0, out=out)
    np.add(out, 3.0, out=out)


def main():
    for n in map(int, sys.argv[1:]):
        x = 1.0 + np.arange(n) % 1000 * 0.37
        y = x[::-1].copy()
        small = np.arange(n) % 1000 * 0.037 - 15.0
        out = np.empty(n)
        cases = {
            "ln": lambda: np.log(x, out=out),
            "exp": lambda: np.exp(small, out=out),
            "dlog": lambda: np.diff(np.log(x, out=out)),
            "abs": lambda: np.abs(x, out=out),
            "sub_mul_add": lambda: sub_mul_add(x, y, out),
            "sum": lambda: np.sum(x),
        }
        for name, work in cases.items():
            print(f"{name},{n},{fastest_tenth(work, n):.4f}", flush=True)
    query = np.sin(np.arange(768, dtype=np.float32))
    rows = np.cos(np.arange(768 * 8, dtype=np.float32) * 0.7).reshape(8, 768)

    def cosine():
        return rows @ query / (np.sqrt((rows * rows).sum(axis=1)) * np.sqrt(query @ query))

    print(f"cosine,8,{fastest_tenth(cosine, 8):.4f}", flush=True)


if __name__ == "__main__":
    main()
