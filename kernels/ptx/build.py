#!/usr/bin/env python3
"""Compiles every kernels/src/<op>/<op>.cu to the <op>.ptx committed beside it; needs neither a GPU nor a toolkit.

    pip install nvidia-cuda-nvrtc-cu12==12.2.140
    build.py            writes the PTX
    build.py --check    compiles again and compares bytes; ends with 1 where a file is not current

The compiler is pinned: its PTX (ISA 8.2, compute_80) is taken by drivers from 535 on and runs from Ampere on.
Products and sums are not fused, so that arithmetic in f32 and f64 rounds as on the CPU.
"""

import ctypes
import importlib.metadata
import importlib.util
import pathlib
import sys

PINNED = "12.2.140"
SOURCES = pathlib.Path(__file__).resolve().parent.parent / "src"
OPTIONS = ["--gpu-architecture=compute_80", "--std=c++17", "--fmad=false", "--device-as-default-execution-space"]


def open_compiler():
    found = importlib.metadata.version("nvidia-cuda-nvrtc-cu12")
    if found != PINNED:
        sys.exit(f"nvidia-cuda-nvrtc-cu12 is {found}, expected {PINNED}: pip install nvidia-cuda-nvrtc-cu12=={PINNED}")
    folder = pathlib.Path(importlib.util.find_spec("nvidia.cuda_nvrtc").submodule_search_locations[0]) / "lib"
    # The compiler opens its builtins by bare name: they must be open before.
    ctypes.CDLL(str(next(folder.glob("libnvrtc-builtins.so*"))), mode=ctypes.RTLD_GLOBAL)
    return ctypes.CDLL(str(next(folder.glob("libnvrtc.so*"))), mode=ctypes.RTLD_GLOBAL)


def compile_to_ptx(nvrtc, source):
    program = ctypes.c_void_p()
    name = source.relative_to(SOURCES).as_posix().encode()
    check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.read_bytes(), name, 0, None, None), "create")
    options = [option.encode() for option in [*OPTIONS, f"--include-path={SOURCES}"]]
    result = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    log = text(nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, program).strip()
    if log:
        print(log.replace(str(SOURCES), "kernels/src"), file=sys.stderr)
    check(result, f"compile {source.name}")
    ptx = text(nvrtc.nvrtcGetPTXSize, nvrtc.nvrtcGetPTX, program)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return ptx


def text(size_of, get, program):
    size = ctypes.c_size_t()
    check(size_of(program, ctypes.byref(size)), "size")
    buffer = ctypes.create_string_buffer(size.value)
    check(get(program, buffer), "get")
    return buffer.value.decode()


def check(result, what):
    if result != 0:
        sys.exit(f"{what}: nvrtc error {result}")


def main():
    is_check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not is_check:
        sys.exit(__doc__)
    nvrtc = open_compiler()
    stale = []
    sources = sorted(SOURCES.glob("*/*.cu"))
    for source in sources:
        ptx, target = compile_to_ptx(nvrtc, source), source.with_suffix(".ptx")
        if not is_check:
            target.write_text(ptx)
        elif not target.exists() or target.read_text() != ptx:
            stale.append(target.name)
    orphans = [ptx.name for ptx in sorted(SOURCES.glob("*/*.ptx")) if not ptx.with_suffix(".cu").exists()]
    if stale or orphans:
        sys.exit(f"not current: {stale}, without a source: {orphans}; run kernels/ptx/build.py and commit")
    print(f"{len(sources)} kernels {'are current' if is_check else 'compiled'} (nvrtc {PINNED})")


if __name__ == "__main__":
    main()
