"""The rows of test/bench/defn.exs in JAX (jit) and PyTorch, on the same device.

    python3 test/bench/peer_defn.py

Calls are medians of 200 with the result read each time; work is an eighth of the best of five rounds of
eight calls, waited for once, after two.
"""

import os
import time

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax
import jax.numpy as jnp
import numpy as np
import torch

N = 1 << 28


def call(name, run):
    for _ in range(20):
        run()
    found = []
    for _ in range(200):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    print(f"{name:<44} {sorted(found)[100] * 1e3:.4f} ms", flush=True)


def work(name, amount, run, wait):
    found = []
    for _ in range(7):
        start = time.perf_counter()
        made = [run() for _ in range(8)]
        wait(made)
        found.append((time.perf_counter() - start) / 8)
        del made
    seconds = min(found[2:])
    print(f"{name:<44} {seconds * 1e3:.4f} ms, {amount / seconds / 1e9:.2f} GB/s", flush=True)


def chain(x, m):
    x = m.abs(x * 1.1 + 0.5)
    x = m.maximum(x - 0.25, m.asarray(0.1) if m is jnp else torch.tensor(0.1, device=x.device)) * x
    return m.sqrt(x) + x * 0.3 - 1


def loop(x):
    def more(state):
        i, x = state
        return (jnp.sum(x) < 1e30) & (i < 100)

    return jax.lax.while_loop(more, lambda s: (s[0] + 1, s[1] * 1.01 + 0.5), (0, x))[1]


def loss(params, x, y):
    w1, b1, w2, b2 = params
    logits = jnp.maximum(x @ w1 + b1, 0) @ w2 + b2
    return -jnp.mean(jnp.sum(jax.nn.log_softmax(logits) * y, axis=1))


def step(params, x, y):
    value, grads = jax.value_and_grad(loss)(params, x, y)
    return value, [p - 0.1 * g for p, g in zip(params, grads)]


def main():
    print("device:", torch.cuda.get_device_name(), "torch", torch.__version__, "jax", jax.__version__, flush=True)
    x = jnp.arange(8, dtype=jnp.float32)
    tiny = jax.jit(lambda x: jnp.sin(x) * 2 + 1)
    call("tiny call (JAX)", lambda: np.asarray(tiny(x)))
    key = jax.random.key(1)
    for n in (2, 1000):
        normal = jax.jit(lambda k, n=n: jax.random.normal(k, (n,)))
        call(f"normal, {n} (JAX)", lambda: np.asarray(normal(key)))
    rounds = jax.jit(loop)
    call("loop of 100 rounds (JAX)", lambda: np.asarray(rounds(x)))
    rng = np.random.default_rng(1)
    draw = lambda *shape: jnp.asarray(rng.uniform(-0.05, 0.05, shape).astype(np.float32))
    params = [draw(784, 128), jnp.zeros(128), draw(128, 10), jnp.zeros(10)]
    images, labels = draw(32, 784), jnp.asarray(np.eye(10, dtype=np.float32)[np.arange(32) % 10])
    train = jax.jit(step)
    call("MLP step, 784-128-10, batch of 32 (JAX)", lambda: float(train(params, images, labels)[0]))

    big = jax.random.uniform(key, (N,))
    done = jax.block_until_ready
    tens = jax.jit(lambda x: chain(x, jnp))
    work("chain of ten, 2^28 f32 (JAX)", N * 8, lambda: tens(big), done)
    square = big.reshape(65536, 4096)
    soft = jax.jit(lambda x: jax.nn.softmax(x, axis=1))
    work("softmax, 65,536 x 4,096 f32 (JAX)", N * 8, lambda: soft(square), done)
    normal = jax.jit(lambda k: jax.random.normal(k, (N,)))
    work("normal, 2^28 f32 (JAX)", N * 4, lambda: normal(key), done)
    del big, square

    wait = lambda _: torch.cuda.synchronize()
    big = torch.rand(N, device="cuda")
    tens = torch.compile(lambda x: chain(x, torch))
    try:
        work("chain of ten, 2^28 f32 (torch.compile)", N * 8, lambda: tens(big), wait)
    except Exception as error:  # no compiler on this machine, say
        print("torch.compile:", type(error).__name__, flush=True)
    work("softmax, 65,536 x 4,096 f32 (PyTorch)", N * 8, lambda: torch.softmax(big.reshape(65536, 4096), 1), wait)
    work("normal, 2^28 f32 (PyTorch)", N * 4, lambda: torch.randn(N, device="cuda"), wait)


main()
