"""The worker's own CUDA kernels, one by one: against torch in 32-bit floats, and how long each takes. Needs an NVIDIA GPU, torch and CUDA's NVRTC.

python3 bench/peers/kernels/check.py

A deviation is absolute below 1, relative above. A kernel's time is that of TIMES launches recorded as one CUDA graph; TB/s counts each value that it must read or write once.
"""
import ctypes
import glob
import math
import os
import sys

import torch
from torch.nn import functional

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../src/Worker/Inference/Cuda/Kernels")
LOG2E = 1.4426950408889634
TIMES = 10  # launches in a recorded graph
SHARED_MEMORY = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
TOLERANCE = 0.005  # 16-bit results of values around 1 to 4
AVERAGE_TOLERANCE = 0.001  # averages of many values, which are small


def library(name):
    """By its name, or in a folder of CUDA's toolkit or of the packages beside torch."""
    beside = os.path.join(os.path.dirname(torch.__file__), "../nvidia/*/lib/")
    for folder in ["", *glob.glob("/usr/local/cuda*/targets/*/lib/"), *glob.glob(beside)]:
        try:
            return ctypes.CDLL(folder + name)
        except OSError:
            pass
    raise OSError(f"{name} is not there")


nvrtc, driver = library("libnvrtc.so.13"), library("libcuda.so.1")
failures = []


def read(name):
    with open(os.path.join(SOURCES, name), encoding="utf-8") as file:
        return file.read()


def compiled(name, source, **definitions):
    """A kernel's machine code for the GPU at hand, as Kernels/DeviceFunction.cs makes it; and what the assembler said of it."""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    source = read("half.cuh") + read("activation.cuh") + read("tensor_cores.cuh") + source
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), (name + ".cu").encode(), 0, None, None) == 0
    major, minor = torch.cuda.get_device_capability()
    options = [f"--gpu-architecture=sm_{major}{minor}{'a' if major >= 9 else ''}", "--ptxas-options=-v"]
    options += [f"-D{macro}={value}" for macro, value in definitions.items()]
    texts = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
    failed = nvrtc.nvrtcCompileProgram(program, len(options), texts)
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    if failed:
        sys.exit(f"{name}: {log.value.decode()}")
    nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
    code = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetCUBIN(program, code)
    return code, log.value.decode()


def loaded(name, code):
    module, function = ctypes.c_void_p(), ctypes.c_void_p()
    result = driver.cuModuleLoadData(ctypes.byref(module), code)
    assert result == 0, f"loading {name}: CUDA error {result}"
    assert driver.cuModuleGetFunction(ctypes.byref(function), module, name.encode()) == 0
    return function


def kernel(name, **definitions):
    return loaded(name, compiled(name, read(name + ".cu"), **definitions)[0])


def launch(function, grid, threads, shared, *arguments):
    values = [ctypes.c_void_p(value.data_ptr()) if isinstance(value, torch.Tensor) else ctypes.c_void_p(0) if value is None else value for value in arguments]
    places = (ctypes.c_void_p * len(values))(*[ctypes.cast(ctypes.byref(value), ctypes.c_void_p) for value in values])
    if shared > 48 * 1024:
        assert driver.cuFuncSetAttribute(function, SHARED_MEMORY, shared) == 0
    stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
    result = driver.cuLaunchKernel(function, *grid, threads, 1, 1, shared, stream, places, None)
    assert result == 0, result


def recorded(run, times):
    """A CUDA graph of so many runs."""
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(times):
            run()
    return graph


def microseconds(graph, times):
    """A run's time in the recorded graph's second replay."""
    graph.replay()
    torch.cuda.synchronize()
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    graph.replay()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / times * 1000


def report(what, run, moved, *pairs, tolerance=TOLERANCE):
    """A line of the table: the greatest deviation, the time, and bytes moved in it."""
    run()
    torch.cuda.synchronize()
    # Of several results' deviations torch's maximum is NaN where one is; Python's is not.
    deviation = torch.stack([((ours.float() - theirs).abs() / theirs.abs().clamp(min=1)).max() for ours, theirs in pairs]).max().item()
    if not deviation < tolerance:
        failures.append(what)
    time = microseconds(recorded(run, TIMES), TIMES)
    print(f"| {what} | {deviation:.1e} | {time:.1f} | {moved / time / 1e6:.2f} |", flush=True)


def half(*shape):
    return torch.randn(*shape, device="cuda").half()


def exact(*shape):
    return torch.randn(*shape, device="cuda")


def windows(maps, side):
    images, height, width, channels = maps.shape
    cut = maps.reshape(images, height // side, side, width // side, side, channels)
    return cut.permute(0, 1, 3, 2, 4, 5).reshape(images, height, width, channels).contiguous()


def depthwise(channels, side, images, added=True, in_side=0, out_side=0, strip=12):
    function = kernel("depthwise_norm", CHANNELS=channels, HEIGHT=side, WIDTH=side, SUM=int(added), STRIP=strip, IN_SIDE=in_side, OUT_SIDE=out_side, EPSILON="1e-5f")
    a, b = half(images, side, side, channels), half(images, side, side, channels)
    shift, weight, bias, gamma, beta = exact(channels), exact(9, channels) * 0.2, exact(channels), exact(channels), exact(channels)
    y, n, rows = torch.zeros_like(a), torch.zeros_like(a), 256 // (channels // 8)
    given = windows(b, in_side) if in_side else b
    x = a.float() + b.float() + shift if added else a.float()
    taps = weight.t().reshape(channels, 1, 3, 3).contiguous()
    whole = functional.conv2d(x.permute(0, 3, 1, 2), taps, bias, padding=1, groups=channels).permute(0, 2, 3, 1)
    normed = functional.layer_norm(whole, (channels,), gamma, beta, 1e-5)
    grid = ((side + strip - 1) // strip, (side + rows - 1) // rows, images)
    what = f"depthwise_norm, {images} x {side} x {side} x {channels}{', a sum' if added else ''}{', windows in' if in_side else ''}{', windows out' if out_side else ''}"
    report(what, lambda: launch(function, grid, 256, 9 * channels * 4, a, given, shift, weight, bias, gamma, beta, y, n), a.numel() * (8 if added else 6),
           (y, whole), (n, windows(normed, out_side) if out_side else normed))


def row_norm(rows, channels, added, whole=False, shifted=True):
    function = kernel("row_norm", CHANNELS=channels, SUM=int(added), SHIFT=int(shifted), WHOLE=int(whole), EPSILON="1e-5f")
    a, b, shift, gamma, beta = half(rows, channels), half(rows, channels), exact(channels), exact(channels), exact(channels)
    n, s, per_block = torch.zeros_like(a), torch.zeros_like(a), 256 // min(32, channels // 8)
    x = a.float() + (shift if shifted else 0) + (b.float() if added else 0)
    pairs = [(n, functional.layer_norm(x, (channels,), gamma, beta, 1e-5))] + ([(s, x)] if whole else [])
    report(f"row_norm, {rows} x {channels}{', a sum' if added else ''}{' that is written' if whole else ''}{'' if shifted else ', as it is'}",
           lambda: launch(function, ((rows + per_block - 1) // per_block, 1, 1), 256, 0, a, b, shift, gamma, beta, s, n, ctypes.c_ulonglong(rows)),
           a.numel() * (4 + 2 * added + 2 * whole), *pairs)


ACTIVATIONS = (("bias", lambda x: x), ("erf", functional.gelu), ("tanh", lambda x: functional.gelu(x, approximate="tanh")),
               ("quick", lambda x: x * torch.sigmoid(1.702 * x)))


def tail(rows, columns, activation, summed=False):
    function = kernel("linear_tail", COLUMNS=columns, ACTIVATION=activation, ADDED=int(summed))
    x, bias, vectors = half(rows, columns) * 2, half(columns).float(), rows * columns // 8
    added = half(rows, columns) if summed else None
    name, activate = ACTIVATIONS[activation]
    report(f"linear_tail, {rows} x {columns}, {name}{', a sum' if summed else ''}",
           lambda: launch(function, ((vectors + 1023) // 1024, 1, 1), 256, 0, x, bias, added, ctypes.c_ulonglong(vectors)),
           x.numel() * (6 if summed else 4), (x, activate(x.float() + bias + (added.float() if summed else 0))))


def silu(rows, columns):
    function = kernel("gated_silu", COLUMNS=columns)
    x, vectors = half(rows, 2 * columns) * 2, rows * columns // 8
    y = torch.empty(rows, columns, device="cuda").half()
    report(f"gated_silu, {rows} x {columns}", lambda: launch(function, ((vectors + 511) // 512, 1, 1), 256, 0, x, y, ctypes.c_ulonglong(vectors)),
           y.numel() * 6, (y, functional.silu(x[:, :columns].float()) * x[:, columns:].float()))


def latent(images, rows, positions, width=768, warps=4, tile=32, shares=1, single=False):
    """Tiles of sixteen queries, or single queries; shares of the positions."""
    blocks, queries = (rows, 1) if single else ((rows + 15) // 16, 16)
    if not single:
        tiles = (positions + tile - 1) // tile
        each = (tiles + shares - 1) // shares
        shares = (tiles + each - 1) // each
    function = kernel("latent_row", WIDTH=width) if single else kernel(
        "latent_attention", WIDTH=width, WARPS=warps, TILE=tile, SHARED_POSITIONS=int(shares > 1), REVERSED=1)
    add_up = kernel("latent_sum", WIDTH=width, QUERIES=queries, MOST_SHARES=8)
    query, states, scale = half(images, rows, width), half(images, positions, width), 1 / math.sqrt(width)
    result, shared = torch.zeros_like(query), 0 if single else 2 * tile * width * 2 + warps * 16 * tile * 4 + 16 * (tile // 8 + 1) * 16 + 64
    found = torch.empty(images * blocks * shares * queries * (width + 2) if shares > 1 else 1, device="cuda")

    def run():
        launch(function, (blocks, images, shares), 256 if single else warps * 32, shared, query, states, result, found, ctypes.c_int(rows),
               ctypes.c_int(positions), ctypes.c_float(scale * LOG2E))
        if shares > 1:
            launch(add_up, (rows, images, 1), 128, 0, found, result, ctypes.c_int(rows), ctypes.c_int(shares))

    last = slice(-min(images, 32), None)
    weights = torch.softmax(torch.matmul(query[last].float(), states[last].float().transpose(1, 2)) * scale, -1)
    report(f"{'latent_row' if single else 'latent_attention'}, {images} images, {rows} queries, {positions} x {width}, shares: {shares}", run,
           states.numel() * 2, (result[last], weights @ states[last].float()), tolerance=AVERAGE_TOLERANCE)


def window(windows, positions, heads, size):
    """Each position of a window looks at all of it."""
    function = kernel("window_attention", POSITIONS=positions, HEADS=heads, SIZE=size)
    packed, result = half(windows, positions, 3 * heads * size), torch.zeros(windows, positions, heads * size, device="cuda").half()
    last = slice(-min(windows, 64), None)
    query, key, value = packed[last].float().view(-1, positions, 3, heads, size).permute(2, 0, 3, 1, 4)
    wanted = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(-1, positions, heads * size)
    report(f"window_attention, {windows} windows of {positions}, {heads} heads of {size}",
           lambda: launch(function, (windows * heads, 1, 1), positions * 2, 0, packed, result, ctypes.c_float(LOG2E / math.sqrt(size))),
           packed.numel() * 2 + result.numel() * 2, (result[last], wanted))


def turned(x, cosines, sines):
    first, second = x.chunk(2, -1)
    return torch.cat((first * cosines - second * sines, second * cosines + first * sines), -1)


def step(rows, length, heads, key_heads, size, warps, rotate):
    """A token of each row behind length others: of a captioner, or rotated, of a chat model."""
    group, capacity = heads // key_heads, length + 64
    function = kernel("group_query_step", KEY_HEADS=key_heads, GROUP=group, SIZE=size, WARPS=warps, BIAS=int(not rotate), ROTATE=int(rotate), SAME_LENGTH=int(not rotate))
    packed, bias = half(rows, (heads + 2 * key_heads) * size), half((heads + 2 * key_heads) * size)
    keys, values = half(rows, key_heads, capacity, size), half(rows, key_heads, capacity, size)
    lengths = torch.full((rows,), length, dtype=torch.int32, device="cuda") if rotate else torch.tensor([length], dtype=torch.int64, device="cuda")
    angles = exact(capacity, size // 2)
    cosines, sines, result = angles.cos().half(), angles.sin().half(), torch.zeros(rows, heads * size, device="cuda").half()
    x = (packed.float() + (0 if rotate else bias.float())).view(rows, -1, size)
    query, key, value = x[:, :heads], x[:, heads:heads + key_heads], x[:, heads + key_heads:]
    if rotate:
        query, key = turned(query, cosines[length].float(), sines[length].float()), turned(key, cosines[length].float(), sines[length].float())
    all_keys = torch.cat((keys[:, :, :length].float(), key[:, :, None].half().float()), 2).repeat_interleave(group, 1)
    all_values = torch.cat((values[:, :, :length].float(), value[:, :, None]), 2).repeat_interleave(group, 1)
    wanted = functional.scaled_dot_product_attention(query[:, :, None], all_keys, all_values)[:, :, 0].reshape(rows, -1)
    report(f"group_query_step, {rows} rows of {length} tokens, {heads} heads on {key_heads}{', rotated' if rotate else ''}",
           lambda: launch(function, (key_heads, rows, 1), warps * 32, 0, packed, None if rotate else bias, keys, values, lengths, cosines if rotate else None,
                          sines if rotate else None, result, ctypes.c_int(capacity), ctypes.c_float(LOG2E / math.sqrt(size))),
           rows * key_heads * length * size * 4, (result, wanted))


def move(places, capacity, heads, size, blocks, moved, emptied):
    """Rows of a chat model's cache into other places, as many positions as each has."""
    function = kernel("move_rows", HEADS=heads, VECTORS=size // 8)
    caches = [half(places, heads, capacity, size) for _ in range(2 * blocks)]
    pointers = torch.tensor([cache.data_ptr() for cache in caches], dtype=torch.int64, device="cuda")
    order = torch.randperm(places).tolist()
    sources, targets, empty = order[:moved], order[moved:2 * moved], order[2 * moved:2 * moved + emptied]
    lengths = torch.randint(1, capacity + 1, (places,), dtype=torch.int32, device="cuda")
    ids = torch.randint(1, 49280, (places,), device="cuda")
    counts = lengths.tolist()
    moves = torch.tensor([(source, target, counts[source]) for source, target in zip(sources, targets)] + [(-1, place, 0) for place in empty],
                         dtype=torch.int32, device="cuda")
    wanted = [cache.clone() for cache in caches]
    wanted_ids, wanted_lengths = ids.clone(), lengths.clone()
    for source, target in zip(sources, targets):
        for old, new in zip(caches, wanted):
            new[target, :, :counts[source]] = old[source, :, :counts[source]]
    wanted_ids[targets], wanted_lengths[targets] = ids[sources], lengths[sources]
    wanted_ids[sources + empty], wanted_lengths[sources + empty] = 0, 0
    report(f"move_rows, {moved} of {places} rows, {2 * blocks} x {heads} x {size}, {sum(counts[source] for source in sources)} positions",
           lambda: launch(function, (2 * blocks * heads, len(moves), 1), 256, 0, pointers, moves, ids, lengths, ctypes.c_int(capacity)),
           sum(counts[source] for source in sources) * heads * size * 2 * blocks * 4, *zip(caches, wanted), (ids, wanted_ids), (lengths, wanted_lengths),
           tolerance=1e-9)


def main():
    torch.manual_seed(0)
    torch.zeros(1, device="cuda")  # makes the context that modules are loaded into
    print(f"# The worker's own kernels\n\n{torch.cuda.get_device_name()}, torch {torch.__version__}\n\n| kernel | deviation | us | TB/s |\n|---|---|---|---|")
    for channels, side in ((128, 192), (256, 96), (512, 48), (1024, 24)):
        depthwise(channels, side, 16)
        depthwise(channels, side, 16, in_side=12)
        depthwise(channels, side, 16, out_side=12)
    depthwise(128, 192, 16, added=False)
    depthwise(2048, 7, 2)
    depthwise(8, 9, 2)
    row_norm(16 * 36864, 128, False)
    row_norm(16 * 36864, 128, True)
    row_norm(7, 64, True)
    row_norm(16 * 9216, 256, True)
    row_norm(33, 8, False)
    row_norm(64 * 577, 768, True, whole=True)
    row_norm(64 * 577, 768, False, shifted=False)
    row_norm(16 * 2304, 512, False)
    row_norm(7, 1000, True, whole=True)
    row_norm(129, 2048, False, shifted=False)
    tail(16 * 36864, 512, 1)
    tail(64 * 577, 3072, 1)
    tail(64 * 577, 3072, 2)
    tail(64 * 577, 3072, 3)
    tail(64 * 577, 768, 0, summed=True)
    silu(16318, 1536)
    for images, shares in ((4, 8), (16, 8), (64, 4), (256, 1), (1024, 1)):
        latent(images, 12, 577, shares=shares)
    latent(1, 12, 577, shares=8, single=True)
    latent(3, 36, 577, shares=8)
    latent(128, 16, 257, width=1024, warps=8)
    latent(5, 5, 33, width=256, shares=2)
    latent(64, 12, 577, tile=16)
    latent(7, 12, 577, tile=16, shares=8)
    latent(8, 5, 50, width=320, tile=16)
    for windows, heads in ((4096, 4), (1024, 8), (256, 16), (64, 32)):
        window(windows, 144, heads, 32)
    window(7, 64, 3, 64)
    window(5, 16, 2, 16)
    step(1024, 120, 9, 3, 64, 2, True)
    step(1, 150, 9, 3, 64, 8, True)
    step(7, 33, 4, 1, 32, 2, True)
    step(5, 70, 8, 8, 128, 2, True)
    step(5, 20, 16, 2, 16, 2, True)
    step(1024, 10, 12, 12, 64, 1, False)
    step(1, 10, 12, 12, 64, 2, False)
    move(64, 384, 3, 64, 30, 16, 8)
    move(256, 384, 3, 64, 8, 64, 0)
    move(7, 33, 1, 16, 3, 3, 1)
    print("\nEverything is as it must be." if not failures else f"\nNOT as it must be: {', '.join(failures)}")
    sys.exit(len(failures) > 0)


if __name__ == "__main__":
    main()
