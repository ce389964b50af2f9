# The pool from Python, by ctypes: the path of the shared library is the argument.
import ctypes as c, sys
Buffer = type("Buffer", (c.Structure,), {"_fields_": [("data", c.POINTER(c.c_uint8)), ("len", c.c_size_t),
    ("capacity", c.c_size_t), ("here", c.c_uint64), ("ticket", c.c_uint64)]})
knhk, pool, buffer = c.CDLL(sys.argv[1]), c.c_uint64(), Buffer()
assert knhk.knhk_pool_open(b"python", None, c.byref(pool)) == 0
assert knhk.knhk_pool_acquire(pool, c.byref(buffer)) == 0
c.memmove(buffer.data, b"<s> <p> <o> .", 13)
assert bytes(buffer.data[:13]) == b"<s> <p> <o> ."
assert [knhk.knhk_pool_release(c.byref(buffer)) for _ in range(2)] == [0, 3]  # done, then stale
print("Python: a buffer came and went")
