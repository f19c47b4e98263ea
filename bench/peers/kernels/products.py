"""Products with a bias, GELU or a residual behind them, by several ways: against torch in 32-bit floats, and how long each takes.

python3 bench/peers/kernels/products.py [--out FILE] [--seconds 85]

Needs a Hopper GPU, torch, CUDA's NVRTC and cuDNN 9. Ways of a kind have a process to themselves, so that one that fails or hangs leaves the others
alone. At each shape all results are checked; then the ways take turns, ROUNDS times: a recorded graph of about 3 ms runs twice, and the second run
counts. The table has medians. A deviation is absolute below 1, relative above.
"""
import argparse
import concurrent.futures
import ctypes
import multiprocessing
import statistics
import sys
import time
from typing import NamedTuple

import torch
from torch.nn import functional

from check import compiled, driver, kernel, launch, library, loaded, microseconds, read, recorded

ROUNDS = 7
TOLERANCE = 0.005
SLICE = 65536  # rows that are checked at once
GUARD = 4096  # values around a result that must stay as they are
SHARED_MEMORY = 227 * 1024  # of a block
PATIENCE = 2_000_000_000  # cycles after which a kernel that is checked gives up waiting
BUILDING = 20  # seconds after which cuDNN's plans are no longer waited for
BIAS, GELU, TANH, RESIDUAL = range(4)  # what comes after
EPILOGUES = ("bias", "GELU", "GELU of tanh", "bias, residual")


class Case(NamedTuple):
    """left [rows, depth] * right [depth, columns], and what comes after."""
    what: str
    rows: int
    depth: int
    columns: int
    epilogue: int

    def title(self):
        """One line."""
        return f"{self.what}: {self.rows} x {self.depth} -> {self.columns}, {EPILOGUES[self.epilogue]}"

    def operations(self):
        """Of the product."""
        return 2 * self.rows * self.depth * self.columns


CASES = [
    Case("BLIP", 36928, 768, 3072, GELU),
    Case("Florence-2, tower", 36864, 512, 2048, GELU),
    Case("Florence-2, tower", 589824, 128, 512, GELU),
    Case("BLIP", 36928, 3072, 768, RESIDUAL),
    Case("Florence-2, tower", 36864, 2048, 512, RESIDUAL),
    Case("Florence-2, tower", 147456, 256, 1024, GELU),
    Case("Florence-2, tower", 9216, 1024, 4096, GELU),
    Case("BLIP, queries, keys, values", 36928, 768, 2304, BIAS),
    Case("ViT, CLIP", 50432, 768, 3072, GELU),
    Case("SmolVLM", 65536, 768, 3072, TANH),
    Case("Florence-2, text", 37000, 768, 3072, GELU),
    Case("Florence-2, tower", 589824, 512, 128, RESIDUAL),
    Case("Florence-2, tower", 147456, 1024, 256, RESIDUAL),
    Case("Florence-2, tower", 9216, 4096, 1024, RESIDUAL),
    Case("BLIP, queries", 36928, 768, 768, BIAS),
    Case("Florence-2, queries", 589824, 128, 128, BIAS),
    Case("Florence-2, queries", 147456, 256, 256, BIAS),
    Case("Florence-2, queries", 36864, 512, 512, BIAS),
    Case("Florence-2, queries", 9216, 1024, 1024, BIAS),
    Case("few rows", 64, 768, 3072, GELU),
    Case("few rows", 197, 768, 3072, GELU),
    Case("few rows", 577, 768, 3072, GELU),
    Case("few rows", 1024, 768, 3072, GELU),
    Case("few rows", 2304, 512, 2048, GELU),
    Case("few rows", 577, 768, 768, GELU),
    Case("few rows", 1024, 768, 768, GELU),
]
MOST_NOTES = 8  # of what is wrong at the edges
EDGES = [(1, 8, 8), (7, 72, 200), (65, 64, 264), (300, 200, 136), (4097, 136, 520), (20000, 72, 520), (2500, 1032, 1000)]


class Operands:
    """A case's inputs on the GPU, the same in every process."""

    def __init__(self, case):
        torch.manual_seed(case.rows + case.columns)
        self.case = case
        self.left = torch.randn(case.rows, case.depth, device="cuda", dtype=torch.half)
        self.right = torch.randn(case.depth, case.columns, device="cuda", dtype=torch.half) * (1.5 / case.depth ** 0.5)
        self.bias = torch.randn(case.columns, device="cuda", dtype=torch.half)
        self.exact_bias = self.bias.float()
        self.residual = torch.randn(case.rows, case.columns, device="cuda", dtype=torch.half) if case.epilogue == RESIDUAL else None

    def deviations(self, result, epilogue, rows):
        """Of each value of these rows."""
        wanted = self.left[rows].float() @ self.right.float()
        if epilogue is not None:
            wanted += self.bias.float()
        if epilogue in (GELU, TANH):
            wanted = functional.gelu(wanted, approximate="tanh" if epilogue == TANH else "none")
        if epilogue == RESIDUAL:
            wanted += self.residual[rows].float()
        return (result[rows].float() - wanted).abs() / wanted.abs().clamp(min=1)

    def deviation(self, result, epilogue):
        """The greatest: torch's maximum, since Python's passes over NaN."""
        slices = [slice(first, first + SLICE) for first in range(0, self.case.rows, SLICE)]
        return torch.stack([self.deviations(result, epilogue, rows).max() for rows in slices]).max().item()

    def wrong(self, result, epilogue):
        """How many values of the first rows are wrong, and where they lie."""
        places = (~(self.deviations(result, epilogue, slice(0, SLICE)) < TOLERANCE)).nonzero()
        (top, left), (bottom, right) = places.min(0).values.tolist(), places.max(0).values.tolist()
        return f"{len(places)} values of rows {top} to {bottom}, columns {left} to {right}, first {places[0].tolist()}"


class Torch:
    """cuBLAS as torch calls it: alone, with the worker's GELU behind it as today, and with cublasLt's own epilogues."""

    def __init__(self, _):
        self.notes = [f"{torch.cuda.get_device_name()}, torch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"]

    def ways(self, operands):
        """Name, what runs and gives its result, and the epilogue that it has."""
        left, right, bias, epilogue = operands.left, operands.right, operands.bias, operands.case.epilogue
        product = torch.empty(operands.case.rows, operands.case.columns, device="cuda", dtype=torch.half)
        yield "cuBLAS", lambda: torch.matmul(left, right, out=product), None
        if epilogue in (GELU, TANH):
            function = kernel("linear_tail", COLUMNS=operands.case.columns, ACTIVATION=epilogue, ADDED=0)
            vectors = product.numel() // 8

            def today():
                torch.matmul(left, right, out=product)
                launch(function, ((vectors + 1023) // 1024, 1, 1), 256, 0, product, operands.exact_bias, None, ctypes.c_ulonglong(vectors))
                return product

            yield "cuBLAS, linear_tail", today, epilogue
            yield "cublasLt", lambda: torch._addmm_activation(bias, left, right, use_gelu=True), TANH
        elif epilogue == BIAS:
            yield "cublasLt", lambda: torch.addmm(bias, left, right), BIAS


class Tiles(NamedTuple):
    """How product.cu is compiled."""
    rows: int
    columns: int
    together: int
    slots: int
    cluster: int

    def __str__(self):
        blocks = f", {self.cluster} blocks" if self.cluster > 1 else ""
        return f"own, {self.tile_rows()} x {self.columns} {'together' if self.together else 'in turn'}{blocks}"

    def tile_rows(self):
        return self.rows * (2 if self.together else 1)

    def memory(self):
        """Stages that fit, and bytes of shared memory, as product.cu lays it out."""
        stage, results = (self.tile_rows() + self.columns) * 128, 2 * self.slots * self.rows * 128
        stages = (SHARED_MEMORY - 1024 - results - 16) // (stage + 16)
        return stages, 1024 + stages * (stage + 16) + results + 16


def tensor_map(tensor, height):
    """A CUtensorMap of a matrix of 16-bit floats in boxes of 64 columns with the swizzle of 128 bytes; outside are zeros."""
    memory = bytearray(192)
    start = -ctypes.addressof((ctypes.c_char * 192).from_buffer(memory)) % 64
    made = (ctypes.c_char * 128).from_buffer(memory, start)
    rows, columns = tensor.shape
    result = driver.cuTensorMapEncodeTiled(
        ctypes.byref(made), 6, 2, ctypes.c_void_p(tensor.data_ptr()), (ctypes.c_uint64 * 2)(columns, rows), (ctypes.c_uint64 * 1)(columns * 2),
        (ctypes.c_uint32 * 2)(64, height), (ctypes.c_uint32 * 2)(1, 1), 0, 3, 2, 0)
    assert result == 0, f"tensor map of {rows} x {columns}: CUDA error {result}"
    return made


class Own:
    """product.cu in the tiles that it is asked for, after all epilogues have passed the edges."""

    def __init__(self, tiles):
        self.notes, self.functions = [], {}
        source = read("product.cu")
        self.multiprocessors = torch.cuda.get_device_properties(0).multi_processor_count

        def build(variant, epilogue, patience):
            return compiled("product", source, ROWS=variant.rows, COLUMNS=variant.columns, TOGETHER=variant.together, SLOTS=variant.slots,
                            CLUSTER=variant.cluster, STAGES=variant.memory()[0], ACTIVATION=epilogue % RESIDUAL, ADDED=epilogue // RESIDUAL,
                            PATIENCE=patience)

        wanted = [(variant, epilogue, patience) for variant in tiles for epilogue in range(4) for patience in (PATIENCE, 0)]
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            built = dict(zip(wanted, threads.map(lambda one: build(*one), wanted)))
        for variant in tiles:
            logs = "".join(log for key, (_, log) in built.items() if key[0] == variant and not key[2])
            told = {line.strip() for line in logs.splitlines() if "C75" in line or "spill" in line and " 0 bytes spill stores" not in line}
            self.notes += [f"{variant}: {line}" for line in told]
            careful = [loaded("product", built[variant, epilogue, PATIENCE][0]) for epilogue in range(4)]
            if self.passes(variant, careful):
                self.functions[variant] = [loaded("product", built[variant, epilogue, 0][0]) for epilogue in range(4)]

    def passes(self, variant, functions):
        """Whether it comes to an end at all edges and writes everything. Results that are wrong are only told of."""
        for epilogue, function in enumerate(functions):
            for edge in EDGES:
                operands = Operands(Case("edge", *edge, epilogue))
                run, result, whole = self.prepared(variant, function, operands)
                whole.fill_(float("nan"))
                try:
                    run()
                    torch.cuda.synchronize()
                except RuntimeError as error:
                    raise RuntimeError(f"{variant}: {operands.case.title()}: {error}") from error
                stuck = self.stuck(function)
                if stuck[0]:
                    self.notes.append(f"WRONG: {variant}: {operands.case.title()}: waits for ever, {self.barrier(variant, stuck)}")
                    return False
                deviation, missing = operands.deviation(result, epilogue), result.isnan().sum().item()
                if not deviation < TOLERANCE and len(self.notes) < MOST_NOTES:
                    where = operands.wrong(result, epilogue)
                    self.notes.append(f"WRONG: {variant}: {operands.case.title()}: {deviation:.1e}, {missing} not written or NaN, {where}")
                if not (whole[:GUARD].isnan().all() and whole[-GUARD:].isnan().all()):
                    self.notes.append(f"WRONG: {variant}: {operands.case.title()}: writes outside of its result")
                if missing:
                    return False
        return True

    @staticmethod
    def stuck(function):
        module, place, size, words = ctypes.c_void_p(), ctypes.c_uint64(), ctypes.c_size_t(), (ctypes.c_uint32 * 4)()
        assert driver.cuFuncGetModule(ctypes.byref(module), function) == 0
        if driver.cuModuleGetGlobal_v2(ctypes.byref(place), ctypes.byref(size), module, b"stuck"):
            return [0]  # what is not written tells then
        assert driver.cuMemcpyDtoH_v2(words, place, ctypes.c_size_t(16)) == 0
        return list(words)

    @staticmethod
    def barrier(variant, stuck):
        stages, shared = variant.memory()
        number = (stuck[0] - (shared - 16 - 16 * stages)) // 8
        kind = ("full", "empty", "fetched")[min(number // stages, 2)]
        return f"{kind}, barrier {number} of {stages} + {stages} + 2, parity {stuck[1]}, thread {stuck[2]}, block {stuck[3]}"

    def prepared(self, variant, function, operands):
        case, tile_rows = operands.case, variant.tile_rows()
        whole = torch.empty(case.rows * case.columns + 2 * GUARD, device="cuda", dtype=torch.half)
        result = whole[GUARD:-GUARD].view(case.rows, case.columns)
        residual = result if operands.residual is None else operands.residual
        maps = (tensor_map(operands.left, tile_rows), tensor_map(operands.right, 64 // variant.cluster),
                tensor_map(residual, variant.rows), tensor_map(result, variant.rows))
        tiles = -(-case.columns // variant.columns) * -(-case.rows // (variant.cluster * tile_rows))
        blocks = min(self.multiprocessors // variant.cluster, tiles) * variant.cluster
        sizes = [ctypes.c_int(size) for size in (case.rows, case.columns, case.depth)]

        def run():
            launch(function, (blocks, 1, 1), 384, variant.memory()[1], *maps, operands.exact_bias, *sizes)
            return result

        return run, result, whole

    def ways(self, operands):
        for variant, functions in self.functions.items():
            yield str(variant), self.prepared(variant, functions[operands.case.epilogue], operands)[0], operands.case.epilogue


class Cudnn:
    """cuDNN's graphs of product and pointwise operations: the fastest of some engines that its heuristics name, and the first for any shape.

    Descriptors, types and attributes go by their numbers in cudnn_graph.h.
    """
    POINTWISE, CONFIG, HEURISTICS, PLAN, POINTWISE_OPERATION, GRAPH = 0, 3, 4, 5, 13, 15
    PACK, TENSOR, MATMUL, MATMUL_OPERATION, CACHE = 16, 17, 18, 19, 34
    HANDLE, DATA_TYPE, BOOLEAN, INT64, POINTER, HEURISTIC, MODE, DESCRIPTOR = 0, 1, 2, 3, 6, 8, 14, 15
    FLOAT, HALF, ADD, GELU_ERF, GELU_TANH = 0, 2, 0, 104, 107
    ENGINES = 4

    def __init__(self, cases):
        self.library, self.notes = library("libcudnn.so.9"), []
        self.built = {(case, dynamic): concurrent.futures.Future() for case in cases for dynamic in (False, True)}
        self.threads, self.until = concurrent.futures.ThreadPoolExecutor(12), time.monotonic() + BUILDING
        for epilogue in range(4):
            self.threads.submit(self.build, [case for case in cases if case.epilogue == epilogue], True)
        for case in cases:
            self.threads.submit(self.build, [case], False)

    def check(self, status, what):
        if status:
            text = ctypes.create_string_buffer(512)
            self.library.cudnnGetLastErrorString(text, ctypes.c_size_t(512))
            raise RuntimeError(f"{what}: cuDNN {status}, {text.value.decode(errors='replace')[:300]}")

    def descriptor(self, kind, *attributes):
        made = ctypes.c_void_p()
        self.check(self.library.cudnnBackendCreateDescriptor(kind, ctypes.byref(made)), f"descriptor {kind}")
        for name, type_, *values in attributes:
            array = (ctypes.c_int64 if type_ == self.INT64 else ctypes.c_bool if type_ == self.BOOLEAN else
                     ctypes.c_void_p if type_ in (self.HANDLE, self.POINTER, self.DESCRIPTOR) else ctypes.c_int) * len(values)
            values = array(*[value.value if isinstance(value, ctypes.c_void_p) else value for value in values])
            status = self.library.cudnnBackendSetAttribute(made, name, type_, ctypes.c_int64(len(values)), values)
            self.check(status, f"descriptor {kind}, attribute {name}")
        if kind != self.CONFIG:
            self.check(self.library.cudnnBackendFinalize(made), f"descriptor {kind}")
        return made

    def tensor(self, number, rows, columns, virtual=False):
        return self.descriptor(
            self.TENSOR, (906, self.INT64, number), (901, self.DATA_TYPE, self.FLOAT if virtual else self.HALF), (902, self.INT64, 1, rows, columns),
            (903, self.INT64, rows * columns, columns, 1), (900, self.INT64, 16), (907, self.BOOLEAN, virtual))

    def pointwise(self, mode, x, b, y):
        how = self.descriptor(self.POINTWISE, (0, self.MODE, mode), (1, self.DATA_TYPE, self.FLOAT))
        others = [(752, self.DESCRIPTOR, b)] if b else []
        return self.descriptor(self.POINTWISE_OPERATION, (750, self.DESCRIPTOR, how), (751, self.DESCRIPTOR, x), *others, (753, self.DESCRIPTOR, y))

    def graph(self, handle, case, dynamic):
        """Tensors 1 to 4 are left, right, bias, result, 5 the residual."""
        rows, columns = case.rows, case.columns
        product, result = self.tensor(10, rows, columns, True), self.tensor(4, rows, columns)
        shifted = result if case.epilogue == BIAS else self.tensor(11, rows, columns, True)
        how = self.descriptor(self.MATMUL, (1500, self.DATA_TYPE, self.FLOAT))
        operations = [
            self.descriptor(
                self.MATMUL_OPERATION, (1520, self.DESCRIPTOR, self.tensor(1, rows, case.depth)),
                (1521, self.DESCRIPTOR, self.tensor(2, case.depth, columns)), (1522, self.DESCRIPTOR, product), (1523, self.DESCRIPTOR, how)),
            self.pointwise(self.ADD, product, self.tensor(3, 1, columns), shifted)]
        if case.epilogue == RESIDUAL:
            operations.append(self.pointwise(self.ADD, shifted, self.tensor(5, rows, columns), result))
        elif case.epilogue != BIAS:
            operations.append(self.pointwise(self.GELU_TANH if case.epilogue == TANH else self.GELU_ERF, shifted, None, result))
        more = [(803, self.BOOLEAN, True)] if dynamic else []
        return self.descriptor(self.GRAPH, (800, self.HANDLE, handle), (801, self.DESCRIPTOR, *operations), *more)

    def configs(self, graph):
        for mode in (3, 2):  # heuristics A, then what works at all
            heuristics, count = self.descriptor(self.HEURISTICS, (201, self.DESCRIPTOR, graph), (200, self.HEURISTIC, mode)), ctypes.c_int64()
            ask = lambda wanted, to: self.check(self.library.cudnnBackendGetAttribute(
                heuristics, 202, self.DESCRIPTOR, ctypes.c_int64(wanted), ctypes.byref(count), to), "heuristics")
            ask(0, None)
            found = (ctypes.c_void_p * count.value)(*[self.descriptor(self.CONFIG).value for _ in range(count.value)])
            ask(count.value, found)
            yield from [ctypes.c_void_p(config) for config in found[:count.value]]

    def plans(self, handle, graph, most, *more):
        made, refused = [], "no engine"
        try:
            for config in self.configs(graph):
                try:
                    made.append(self.descriptor(self.PLAN, (400, self.HANDLE, handle), (401, self.DESCRIPTOR, config), *more))
                except RuntimeError as error:
                    refused = error
                if len(made) == most:
                    break
        except RuntimeError as error:
            refused = error
        if not made:
            raise RuntimeError(refused)
        return made

    def build(self, cases, dynamic):
        more = []
        for case in cases:
            try:
                began, handle = time.monotonic(), ctypes.c_void_p()
                self.check(self.library.cudnnCreate(ctypes.byref(handle)), "handle")
                graph = self.graph(handle, case, dynamic)
                if dynamic and not more:
                    more = [(406, self.DESCRIPTOR, self.descriptor(self.CACHE, (2400, self.DESCRIPTOR, graph)))]
                plans = self.plans(handle, graph, 1 if dynamic else self.ENGINES, *more)
                self.built[case, dynamic].set_result((handle, plans, time.monotonic() - began))
            except Exception as error:
                self.built[case, dynamic].set_exception(error)

    def prepared(self, operands, handle, plan, result):
        size, count = ctypes.c_int64(), ctypes.c_int64()
        status = self.library.cudnnBackendGetAttribute(plan, 402, self.INT64, ctypes.c_int64(1), ctypes.byref(count), ctypes.byref(size))
        self.check(status, "workspace")
        workspace = torch.empty(max(size.value, 16), device="cuda", dtype=torch.uint8)
        tensors = [operands.left, operands.right, operands.bias, result] + ([] if operands.residual is None else [operands.residual])
        pack = self.descriptor(
            self.PACK, (1000, self.INT64, *range(1, len(tensors) + 1)), (1001, self.POINTER, *[tensor.data_ptr() for tensor in tensors]),
            (1003, self.POINTER, workspace.data_ptr()))

        def run(_=workspace):
            self.check(self.library.cudnnSetStream(handle, ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)), "stream")
            self.check(self.library.cudnnBackendExecute(handle, plan, pack), "run")
            return result

        return run

    def ways(self, operands):
        case = operands.case
        result = torch.empty(case.rows, case.columns, device="cuda", dtype=torch.half)
        torch.cuda.synchronize()  # what is recorded runs in another stream
        for dynamic in (False, True):
            name = "cuDNN, any shape" if dynamic else "cuDNN"
            try:
                handle, plans, seconds = self.built[case, dynamic].result(timeout=max(0, self.until - time.monotonic()))
                runs = [self.prepared(operands, handle, plan, result) for plan in plans]
                timed = [(microseconds(recorded(run, 3), 3), index) for index, run in enumerate(runs)]
                taken = ", ".join(f"{took:.0f}" for took, _ in timed)
                self.notes.append(f"{name}: {case.title()}: {len(plans)} plans in {seconds:.1f} s, {taken} us")
                yield name, runs[min(timed)[1]], case.epilogue
            except Exception as error:
                self.notes.append(f"{name}: {case.title()}: {type(error).__name__} {error}")


def work(pipe, kind, argument):
    """A process with some ways: answers a case with the deviations, and None with a round's microseconds."""
    try:
        torch.zeros(1, device="cuda")  # makes the context that modules are loaded into
        family = kind(argument)
        pipe.send((None, family.notes))
        graphs = {}
        while True:
            case = pipe.recv()
            if case is None:
                pipe.send(({name: microseconds(graph, times) for name, (graph, times, _) in graphs.items()}, []))
                continue
            graphs, family.notes, deviations = {}, [], {}
            torch.cuda.empty_cache()
            operands, times = Operands(case), min(40, max(4, int(1.5e12 / case.operations())))
            for name, run, epilogue in family.ways(operands):
                try:
                    run().fill_(float("nan"))
                    deviations[name] = operands.deviation(run(), epilogue)
                    if not deviations[name] < TOLERANCE:
                        family.notes.append(f"WRONG: {name}: {case.title()}: deviation {deviations[name]:.1e}")
                    graphs[name] = recorded(run, times), times, run  # which holds the memory that the graph was recorded with
                except Exception as error:
                    family.notes.append(f"FAILED: {name}: {case.title()}: {type(error).__name__} {error}")
            pipe.send((deviations, family.notes))
    except BaseException as error:
        pipe.send((None, [f"ENDED: {kind.__name__} {argument if kind is Own else ''}: {type(error).__name__} {error}"]))
        raise


class Process:
    """A process as the main one sees it. One that is late or has ended is asked no more."""

    def __init__(self, kind, argument, notes):
        context = multiprocessing.get_context("spawn")
        self.name, self.notes = f"{kind.__name__} {argument if kind is Own else ''}", notes
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, kind, argument), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, question):
        if self.process:
            try:
                self.pipe.send(question)
            except OSError:
                self.end("has ended")

    def answer(self, seconds):
        try:
            if self.process and self.pipe.poll(max(seconds, 1)):
                answer, notes = self.pipe.recv()
                self.notes += notes
                return answer or {}
            if self.process:
                self.end(f"no answer in {seconds:.0f} s")
        except (EOFError, OSError):
            self.end("has ended")
        return {}

    def end(self, why):
        self.notes.append(f"ENDED: {self.name}: {why}")
        self.process.kill()
        self.process = None


def table(times, deviations):
    names = list(dict.fromkeys(name for case in times.values() for name in case))
    lines = [f"| product | {' | '.join(names)} | best own : today |", "|---" * (len(names) + 2) + "|"]
    for case, ways in times.items():
        middle = {name: statistics.median(taken) for name, taken in ways.items()}
        cells = [f"{middle[name]:.0f} us, {case.operations() / middle[name] / 1e6:.0f} TF/s" if name in middle else "" for name in names]
        best = min((took for name, took in middle.items() if name.startswith("own")), default=None)
        today = middle.get("cuBLAS, linear_tail", middle.get("cuBLAS"))
        lines.append(f"| {case.title()} | {' | '.join(cells)} | {f'{best / today:.2f}' if best and today else ''} |")
    worst = [max(case[name] for case in deviations.values() if name in case) for name in names]
    return lines + [f"| greatest deviation | {' | '.join(f'{one:.1e}' for one in worst)} | |"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", help="the table goes there, too")
    parser.add_argument("--seconds", type=float, default=85, help="after so many no further shape is begun")
    settings = parser.parse_args()
    began, notes, times, deviations = time.monotonic(), [], {}, {}
    shapes = ((128, 128, 0, 2), (192, 128, 0, 1), (128, 192, 0, 2), (64, 256, 1, 2))
    processes = [Process(Torch, None, notes), Process(Cudnn, CASES, notes)] + [
        Process(Own, [Tiles(*shape, cluster) for cluster in (1, 2)], notes) for shape in shapes]

    def left():
        return settings.seconds - (time.monotonic() - began)

    for process in processes:
        process.answer(min(40, left()))
    print(f"{time.monotonic() - began:.0f} s: all are ready", flush=True)
    for case in CASES:
        if left() < 4:
            notes.append(f"no time left for {case.title()}")
            continue
        for process in processes:
            process.ask(case)
        until = time.monotonic() + min(20, left())
        deviations[case] = {name: deviation for process in processes for name, deviation in process.answer(until - time.monotonic()).items()}
        taken = times.setdefault(case, {})
        for _ in range(ROUNDS):
            for process in processes:
                process.ask(None)
                for name, took in process.answer(min(10, left())).items():
                    taken.setdefault(name, []).append(took)
        print(f"{time.monotonic() - began:.0f} s: {case.title()}", flush=True)
    wrong = [note for note in notes if note.startswith(("WRONG", "ENDED"))]
    verdict = f"{len(wrong)} results are WRONG or missing." if wrong else "Everything is as it must be."
    lines = ["# Products with a bias, GELU or a residual behind them", "", *[f"- {note}" for note in notes], ""]
    lines += [*table(times, deviations), "", verdict]
    print("\n".join(lines), flush=True)
    if settings.out:
        with open(settings.out, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    for process in processes:
        if process.process:
            process.process.kill()
    sys.exit(len(wrong) > 0)


if __name__ == "__main__":
    main()
