"""Where a captioner's time goes, kernel by kernel: a table for each stage, of what Nsight Compute saw of `bench gpu --profile`.

ncu --profile-from-start off --clock-control none --metrics gpu__time_duration.sum --csv BENCH gpu --models DIR --cases vit-gpt2 \
    --batches 256 --lanes 1 --profile true > kernels.csv
python3 kernels.py kernels.csv > bench/results/gpu-kernels.md
"""
import collections
import csv
import re
import sys


def kind(kernel):
    """What a kernel does, by its name."""
    for word, name in (
        ("nvjet", "products (cuBLAS)"), ("gemm", "products (cuBLAS)"), ("sdpa", "attention to the image, and the encoder's (cuDNN)"),
        ("masked_multihead", "attention to the tokens so far"), ("SkipLayerNorm", "SkipLayerNormalization"), ("LayerNorm", "LayerNormalization"),
        ("BiasGelu", "BiasGelu"), ("FastGelu", "FastGelu"), ("softmax", "LogSoftmax of the vocabulary"), ("TopK", "TopK"),
        ("arg_min_max", "ArgMax"),
    ):
        if word in kernel:
            return name
    return "the rest"


def table(title, events):
    groups = collections.defaultdict(lambda: [0, 0.0])
    for kernel, microseconds in events:
        groups[kind(kernel)][0] += 1
        groups[kind(kernel)][1] += microseconds
    total = sum(entry[1] for entry in groups.values())
    print(f"\n## {title}: {len(events)} kernels, {total / 1000:.2f} ms\n\n| kernels | number | us | share |\n|---|---|---|---|")
    for name, (count, microseconds) in sorted(groups.items(), key=lambda entry: -entry[1][1]):
        print(f"| {name} | {count} | {microseconds:.0f} | {100 * microseconds / total:.1f} % |")


def main():
    rows = [row for row in csv.reader(open(sys.argv[1])) if len(row) > 10]
    name, value, unit = (rows[0].index(column) for column in ("Kernel Name", "Metric Value", "Metric Unit"))
    events = [(row[name], float(row[value].replace(",", "")) * (1e-3 if row[unit].startswith("n") else 1)) for row in rows[1:]]
    # An encoder begins by casting its pixels, a step by looking its tokens up.
    starts = [i for i, (kernel, _) in enumerate(events) if re.search(r"UnaryElementWise<signed char", kernel)] + [len(events)]
    print("# Where a captioner's time goes on a GPU\n\nOf `ncu`, clocks left alone; each kernel by itself, so that the sum is a little more than what a recorded run takes.")
    for start, end, title in zip(starts, starts[1:], ("greedy search", "4 beams")):
        step = next(i for i in range(start, end) if "Gather" in events[i][0])
        if title == "greedy search":
            table("Encoder and the image's keys and values, a batch", events[start:step])
        table(f"A step of {title}", events[step:end])


if __name__ == "__main__":
    main()
