"""The eight schools on the same device by others: leapfrog steps in JAX, draws in NumPyro.

    python3 test/bench/peers.py [CHAINS ...]      default: 1 1024 16384

What chain_bench and sampler_bench measure of this project, on what a CUDA machine offers. Every time is the best of five
after a run that compiles; compile times are printed. The density is that of specs/families/eight_schools_noncentered.json,
in unconstrained coordinates (eta, mu, log tau).
"""

import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

Y = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
SIGMA = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def density(dtype):
    y, sigma = jnp.asarray(Y, dtype), jnp.asarray(SIGMA, dtype)
    half_log_2pi = dtype(0.5 * np.log(2 * np.pi))

    def logp(q):
        eta, mu, u = q[:8], q[8], q[9]
        theta = mu + jnp.exp(u) * eta
        prior_mu = -0.5 * (mu / 5) ** 2 - jnp.log(dtype(5)) - half_log_2pi
        prior_tau = jnp.log(dtype(2 / np.pi)) - jnp.log(dtype(5)) - jax.nn.softplus(2 * (u - jnp.log(dtype(5)))) + u
        prior_eta = jnp.sum(-0.5 * eta**2 - half_log_2pi)
        return prior_mu + prior_tau + prior_eta + jnp.sum(-0.5 * ((y - theta) / sigma) ** 2 - jnp.log(sigma) - half_log_2pi)

    return logp


def best(run, times=5):
    found = []
    for _ in range(times):
        start = time.perf_counter()
        jax.block_until_ready(run())
        found.append(time.perf_counter() - start)
    return min(found)


def leapfrog(dtype, chains, steps):
    gradient = jax.grad(density(dtype))
    step = dtype(0.05)

    def run(q, p):
        def body(_, state):
            q, p, g = state
            p = p + step / 2 * g
            q = q + step * p
            g = gradient(q)
            return q, p + step / 2 * g, g

        return jax.lax.fori_loop(0, steps, body, (q, p, gradient(q)))

    key = jax.random.PRNGKey(0)
    q = jax.random.uniform(key, (chains, 10), dtype, -1, 1)
    p = jax.random.normal(key, (chains, 10), dtype)
    compiled = jax.jit(jax.vmap(run))
    start = time.perf_counter()
    jax.block_until_ready(compiled(q, p))
    first = time.perf_counter() - start
    seconds = best(lambda: compiled(q, p))
    print(
        f"JAX leapfrog {dtype.__name__:8} chains {chains:6d}  {seconds / steps * 1e6:9.2f} us a step  "
        f"{chains * steps / seconds:10.3g} gradients/s   first call {first:.1f} s",
        flush=True,
    )


def numpyro_draws(chains, warmup, draws):
    import numpyro
    import numpyro.distributions as dist
    from numpyro.diagnostics import effective_sample_size
    from numpyro.infer import HMC, MCMC, NUTS

    def model():
        mu = numpyro.sample("mu", dist.Normal(0, 5))
        tau = numpyro.sample("tau", dist.HalfCauchy(5))
        with numpyro.plate("schools", 8):
            eta = numpyro.sample("eta", dist.Normal(0, 1))
            numpyro.sample("obs", dist.Normal(mu + tau * eta, SIGMA), obs=Y)

    kernels = {"NUTS": lambda: NUTS(model), "HMC": lambda: HMC(model, trajectory_length=1.5)}
    for name, kernel in kernels.items():
        mcmc = MCMC(kernel(), num_warmup=warmup, num_samples=draws, num_chains=chains, chain_method="vectorized", progress_bar=False)
        start = time.perf_counter()
        mcmc.run(jax.random.PRNGKey(0))
        jax.block_until_ready(mcmc.get_samples())
        first = time.perf_counter() - start
        mcmc.post_warmup_state = mcmc.last_state

        def more():
            mcmc.post_warmup_state = mcmc.last_state
            mcmc.run(mcmc.last_state.rng_key)
            return mcmc.get_samples()

        more()
        seconds = best(more, 3)
        samples = mcmc.get_samples(group_by_chain=True)
        ess = {k: float(np.min(effective_sample_size(np.asarray(samples[k])))) for k in ("mu", "tau", "eta")}
        print(
            f"NumPyro {name:4} chains {chains:6d}  {warmup} + {draws} iterations from nothing {first:.1f} s; {draws} more {seconds:.3f} s; "
            f"ESS mu {ess['mu']:.0f} tau {ess['tau']:.0f} least eta {ess['eta']:.0f}: "
            f"{min(ess.values()) / seconds:.3g} effective draws/s; mean mu {float(np.mean(samples['mu'])):.3f} "
            f"tau {float(np.mean(samples['tau'])):.3f}",
            flush=True,
        )


def main():
    jax.config.update("jax_enable_x64", True)
    print("device:", jax.devices()[0], "jax", jax.__version__, flush=True)
    all_chains = [int(text) for text in sys.argv[1:]] or [1, 1024, 16384]
    for dtype in (np.float32, np.float64):
        for chains in all_chains:
            leapfrog(dtype, chains, 2000 if chains < 10000 else 500)
    jax.config.update("jax_enable_x64", False)
    for chains in [c for c in all_chains if c > 1]:
        numpyro_draws(chains, 300, 100)


if __name__ == "__main__":
    main()
