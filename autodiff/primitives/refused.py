"""What cannot be differentiated, function by function: why, and what to write instead. trace.py raises these."""

import numpy as np

from ..trace import BEYOND, REFUSED

_CONCRETE = "call it outside the differentiated function, or on autodiff.stop_gradient(x)"


def _refuse(reason: str, remedy: str, *functions) -> None:
    for function in functions:
        REFUSED[function] = (f"np.{function.__name__} {reason}", remedy)


_refuse("orders complex numbers by their real, then imaginary parts", "use np.sort on a real array", np.sort_complex)
_refuse("reads the bits of integers", "compare floats with np.equal, or work on integers that do not depend on x",
        np.packbits, np.unpackbits)
_refuse("counts the bits of integers: a traced float has none", "round it first: np.floor(x).astype(int)",
        np.bitwise_count)
_refuse("turns the array into text", "print(x) shows a traced array; " + _CONCRETE, np.array2string, np.array_repr,
        np.array_str)
_refuse("writes the array to a file", _CONCRETE, np.save, np.savetxt, np.savez, np.savez_compressed)
_refuse("works on dates", "convert dates to floats before", np.busday_count, np.busday_offset, np.is_busday,
        np.datetime_as_string, np.isnat)
_refuse("takes integers", "use integers (np.argmax(x), np.argsort(x)), or np.floor(x).astype(int)",
        np.ravel_multi_index, np.unravel_index)

BEYOND |= {
    "arange": ("np.arange with a traced end has a length that depends on values",
               "use np.linspace(start, stop, num) or start + step * np.arange(n)"),
    "fromiter": ("np.fromiter makes a plain array", "use np.array([...]) with a list"),
    "frombuffer": ("np.frombuffer reads bytes", "use np.array(x)"),
    "vectorize": ("np.vectorize makes a plain array of objects",
                  "write the function with NumPy operations, or use np.array([f(v) for v in x])"),
    "frompyfunc": ("a ufunc made by np.frompyfunc makes an array of objects",
                   "write the function with NumPy operations, or use np.array([f(v) for v in x])"),
    "nditer": ("np.nditer walks over the memory of plain arrays",
               "iterate over the array (for row in x), np.ndindex(x.shape) or np.ndenumerate(x)"),
    "nested_iters": ("np.nested_iters walks over the memory of plain arrays", "iterate over np.ndindex(x.shape)"),
    "broadcast": ("np.broadcast walks over the memory of plain arrays", "use np.broadcast_arrays(x, y)"),
    "matrix": ("np.matrix holds plain arrays", "use two-dimensional arrays and @"),
    "asmatrix": ("np.asmatrix makes a plain matrix", "use two-dimensional arrays and @"),
    "bmat": ("np.bmat makes a plain matrix", "use np.block([[a, b], [c, d]])"),
    **{name: (f"np.{name}(x) makes a plain number", "use x.astype(dtype); of integers np.floor(x).astype(int)")
       for name in ("float64", "float32", "int64", "int32", "intp", "int_")},
}
