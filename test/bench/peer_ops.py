"""The rows of test/bench/ops.exs in PyTorch, on the same device.

    python3 test/bench/peer_ops.py

Every time is an eighth of the best of five rounds after two; a round issues the op eight times and waits once. The row
"tiny" is one call and one wait.
"""

import time

import torch

N = 1 << 25


def best(run, calls):
    found = []
    for _ in range(7):
        torch.cuda.synchronize()
        start = time.perf_counter()
        made = [run() for _ in range(calls)]
        torch.cuda.synchronize()
        found.append((time.perf_counter() - start) / calls)
        del made
    return min(found[2:])


def row(name, unit, work, run):
    seconds = best(run, 1 if name == "tiny" else 8)
    rate = f", {work / seconds / 1e9:.2f} {unit}" if work else ""
    print(f"{name:<44} {seconds * 1e3:.3f} ms{rate}", flush=True)


def main():
    print("device:", torch.cuda.get_device_name(), "torch", torch.__version__, flush=True)
    one = torch.rand(8, device="cuda")
    row("tiny", None, None, lambda: one + one)
    keys = torch.rand(N, device="cuda")
    row("sort, 2^25 f32", "Gkey/s", N, lambda: torch.sort(keys))
    row("argsort, 2^25 f32", "Gkey/s", N, lambda: torch.argsort(keys, stable=True))
    for length in (1024, 4096):
        rows = keys.reshape(-1, length)
        row(f"sort, rows of {length:,}, 2^25 f32", "Gkey/s", N, lambda: torch.sort(rows, dim=1))
        row(f"argsort, rows of {length:,}, 2^25 f32", "Gkey/s", N, lambda: torch.argsort(rows, dim=1, stable=True))
    long = torch.rand(1 << 28, device="cuda")
    row("cumulative sum, 2^28 f32", "GB/s", long.numel() * 8, lambda: torch.cumsum(long, 0))
    half = long[: 1 << 27]
    row("concatenate, 2 of 2^27 f32", "GB/s", half.numel() * 16, lambda: torch.cat([half, half]))
    places = torch.randint(0, 1 << 26, (1 << 26,), device="cuda", dtype=torch.int32)
    table = long[: 1 << 26]
    row("take, 2^26 f32 at random", "GB/s", places.numel() * 12, lambda: torch.index_select(table, 0, places))
    del long, half, table, places
    signal = torch.rand(16384, 4096, device="cuda").to(torch.complex64)
    row("fft, 16,384 rows of 4,096 c64", "GB/s", signal.numel() * 16, lambda: torch.fft.fft(signal))
    signal = signal.reshape(64, 1048576)
    row("fft, 64 rows of 1,048,576 c64", "GB/s", signal.numel() * 16, lambda: torch.fft.fft(signal))
    images = signal.reshape(64, 1024, 1024)
    row("fft2, 64 of 1,024 x 1,024 c64", "GB/s", images.numel() * 16, lambda: torch.fft.fft2(images))
    del signal, images
    square = torch.rand(64, 64, 64, device="cuda")
    symmetric = square + square.transpose(1, 2)
    row("svd, 64 of 64 x 64 f32", None, None, lambda: torch.linalg.svd(square))
    row("eigh, 64 of 64 x 64 f32", None, None, lambda: torch.linalg.eigh(symmetric))
    row("qr, 64 of 64 x 64 f32", None, None, lambda: torch.linalg.qr(square))
    middling = torch.rand(512, 512, device="cuda")
    middling_symmetric = middling + middling.T
    row("svd, 512 x 512 f32", None, None, lambda: torch.linalg.svd(middling))
    row("eigh, 512 x 512 f32", None, None, lambda: torch.linalg.eigh(middling_symmetric))
    for size in (256, 1024):
        large = torch.rand(size, size, device="cuda")
        gram = large @ large.T + torch.eye(size, device="cuda")
        row(f"cholesky, {size} x {size} f32", None, None, lambda gram=gram: torch.linalg.cholesky(gram))


if __name__ == "__main__":
    main()
