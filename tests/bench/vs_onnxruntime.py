"""PointPillars' backbone and neck: Percept's CPU executor and onnxruntime side by side, in turns, in one run.

The network is exported by this script from the plan that the example `network` dumps (batch norm folded, as both
runtimes would do themselves). Prints median, p99 and maximum of each and the ratios; ends with 1 where results differ.
See README.md beside this file.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]
F32 = np.float32


def read_safetensors(path):
    """Tensors of a safetensors file: length of the header, header as JSON, values."""
    data = Path(path).read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:end]).items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", (name, entry["dtype"])
        start, stop = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[end + start : end + stop], F32).reshape(entry["shape"])
    return tensors


def export(folder, out):
    """The plan as an ONNX model, canvas in, features out."""
    plan = json.loads((folder / "network.json").read_text())
    weights = read_safetensors(folder / "weights.safetensors")
    nodes, constants = [], []
    for layer in plan["layers"]:
        name = f"v{layer['id']}"
        inputs = [f"v{i}" for i in layer["inputs"]]
        if layer["op"] == "input":
            graph_input = helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *layer["shape"]])
        elif layer["op"] == "concat":
            nodes.append(helper.make_node("Concat", inputs, [name], axis=1))
        else:
            norm = {part: weights[f"{layer['norm']}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")}
            scale = norm["weight"] / np.sqrt(norm["running_var"] + layer["eps"])
            transposed = layer["op"] == "deconv"
            weight = weights[layer["weight"]] * (scale[None, :, None, None] if transposed else scale[:, None, None, None])
            constants.append(numpy_helper.from_array(weight.astype(F32), f"{name}_w"))
            constants.append(numpy_helper.from_array((norm["bias"] - norm["running_mean"] * scale).astype(F32), f"{name}_b"))
            operands = [*inputs, f"{name}_w", f"{name}_b"]
            if transposed:
                stride = [layer["scale"]] * 2
                nodes.append(helper.make_node("ConvTranspose", operands, [f"{name}_s"], strides=stride))
            else:
                pads, stride = [layer["padding"]] * 4, [layer["stride"]] * 2
                nodes.append(helper.make_node("Conv", operands, [f"{name}_s"], strides=stride, pads=pads))
            nodes.append(helper.make_node("Relu", [f"{name}_s"], [name]))
        last = layer
    result = helper.make_tensor_value_info(f"v{last['id']}", TensorProto.FLOAT, [1, *last["shape"]])
    graph = helper.make_graph(nodes, "backbone_and_neck", [graph_input], [result], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, out)
    return plan


class Percept:
    """The example `network`, answering over pipes."""

    def __init__(self, binary, folder, width, threads, sweeps):
        command = [binary, str(folder), str(width), str(threads), *sweeps]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline().split()
        if ready[:1] != ["ready"]:
            sys.exit(f"{command} did not start")
        self.compute_bytes, self.skip_bytes = map(int, ready[1:])

    def run(self, way):
        """(milliseconds, share of the multiply-adds done)."""
        self.process.stdin.write(way + "\n")
        self.process.stdin.flush()
        ms, share = self.process.stdout.readline().split()
        return float(ms), float(share)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def session(model, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def figures(times):
    times = np.sort(times)
    rank = lambda percent: times[max(1, -(-len(times) * percent // 100)) - 1]
    return {"median_ms": rank(50), "p99_ms": rank(99), "max_ms": times[-1], "runs": len(times)}


def compare(binary, width, threads, sweeps, runs, rest_s):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        percept = Percept(binary, folder, width, threads, sweeps)
        plan = export(folder, folder / "network.onnx")
        rival = session(str(folder / "network.onnx"), threads)
        frame = read_safetensors(folder / "frame.safetensors")
        feed = {rival.get_inputs()[0].name: frame["canvas"]}
        reference = rival.run(None, feed)[0]
        error = float(np.abs(reference - frame["features"]).max() / np.abs(reference).max())
        times = {"onnxruntime": [], "compute": [], "skip": []}
        shares = []
        for turn in range(runs + 2):
            row = {}
            for way in times:
                if way == "onnxruntime":
                    start = time.perf_counter()
                    rival.run(None, feed)
                    row[way] = (time.perf_counter() - start) * 1e3
                else:
                    row[way], share = percept.run(way)
                # Threads that still spin for the next run would slow the other down.
                time.sleep(rest_s)
            if turn >= 2:
                shares.append(share)
                for way, ms in row.items():
                    times[way].append(ms)
        result = {
            "width": width,
            "threads": threads,
            "multiply_adds": plan["multiply_adds"],
            "pillars": int((frame["canvas"] != 0).any(axis=(0, 1)).sum()),
            "relative_error": error,
            "share_of_multiply_adds_skip": float(np.mean(shares)),
            "kept_bytes": {"compute": percept.compute_bytes, "skip": percept.skip_bytes},
            **{way: figures(values) for way, values in times.items()},
        }
        percept.close()
    for way in ("compute", "skip"):
        result[f"{way}_times_onnxruntime"] = result["onnxruntime"]["median_ms"] / result[way]["median_ms"]
    return result


def show(result):
    print(f"\nwidth {result['width']}, {result['threads']} threads, {result['multiply_adds'] / 1e9:.2f} G multiply-adds, "
          f"{result['pillars']} pillars, max |difference| / max |onnxruntime| = {result['relative_error']:.1e}")
    for way, label in (("onnxruntime", "onnxruntime"), ("compute", "percept, every cell"), ("skip", "percept, empty cells skipped")):
        f = result[way]
        ratio = "" if way == "onnxruntime" else f"  {result[way + '_times_onnxruntime']:.2f} x onnxruntime"
        print(f"  {label:30} median {f['median_ms']:7.1f} ms  p99 {f['p99_ms']:7.1f}  max {f['max_ms']:7.1f}{ratio}")
    print(f"  skipping does {100 * result['share_of_multiply_adds_skip']:.0f} % of the multiply-adds; keeps "
          f"{result['kept_bytes']['skip'] / 2**20:.0f} MiB, without {result['kept_bytes']['compute'] / 2**20:.0f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", help="the example `network`, built already")
    parser.add_argument("--width", type=int, nargs="+", default=[64, 32], help="64: the published network, 32: the 4x student")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--rest", type=float, default=0.05, help="seconds between two runs")
    parser.add_argument("--sweep", nargs="*", default=[], help="KITTI sweeps (.bin) whose pillars fill the canvas")
    parser.add_argument("--json", help="writes the figures there")
    arguments = parser.parse_args()
    binary = arguments.binary
    if binary is None:
        build = ["cargo", "build", "--release", "-p", "percept_kernels", "--example", "network"]
        subprocess.run(build, cwd=ROOT, check=True)
        binary = str(Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/examples/network")
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    print(f"onnxruntime {onnxruntime.__version__}; {cpu}, {os.cpu_count()} cores; commit {commit.stdout.strip()}; "
          f"{'evenly spread pillars' if not arguments.sweep else f'{len(arguments.sweep)} sweeps'}")
    results = [compare(binary, width, threads, arguments.sweep, arguments.runs, arguments.rest)
               for width in arguments.width for threads in arguments.threads]
    for result in results:
        show(result)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=1) + "\n")
    sys.exit(1 if any(result["relative_error"] > 1e-4 for result in results) else 0)


if __name__ == "__main__":
    main()
