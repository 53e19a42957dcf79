#!/usr/bin/env bash
# Nx 0.13.1: a gradient that is a constant has the type f32 where the function is of f64.
#
# Nx at 745b1d27 (0.13.1), complex at 17344af, telemetry at a382cd1, Nx.BinaryBackend. f(x) = x / 3 and the mean of three
# numbers, x of f64.
# Expected: gradients of the type of x: 0.3333333333333333.
# Seen: 0.3333333432674408, of type f32; the mean's are of f64 and have the same digits. A gradient that still depends on x
# (x * x / 3 at 0.5) has the factor rounded to f32 as well.
#
# Needs git, Elixir 1.17 or newer with rebar3, and the three repositories (NX_PATH: a folder with checkouts of nx, complex and
# telemetry). Exit 0: as seen; 1: it changed.
set -euo pipefail
for tool in git mix; do command -v $tool >/dev/null || { echo "needs $tool"; exit 69; }; done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# checkout NAME REVISION: from NX_PATH, else from where it is published.
checkout() {
  local from=${NX_PATH:+$NX_PATH/${1#*/}}
  if ! { git clone -q "${from:-https://github.com/$1}" "$work/${1#*/}" &&
    git -C "$work/${1#*/}" -c advice.detachedHead=false checkout -q "$2"; }; then
    echo "$1 at $2 is not to be had"
    exit 69
  fi
}
checkout elixir-nx/nx 745b1d27
checkout elixir-nx/complex 17344af
checkout beam-telemetry/telemetry a382cd1

mkdir "$work/gradient"
cat >"$work/gradient/mix.exs" <<'EX'
defmodule Gradient.MixProject do
  use Mix.Project
  def project, do: [app: :gradient, version: "0.1.0", deps: deps()]
  defp deps, do: for({name, path} <- [nx: "../nx/nx", complex: "../complex", telemetry: "../telemetry"], do: {name, path: path, override: true})
end
EX
cat >"$work/gradient/gradient.exs" <<'EX'
x = Nx.tensor(1.0, type: :f64)
third = Nx.Defn.grad(x, &Nx.divide(&1, 3))
mean = Nx.Defn.grad(Nx.tensor([1.0, 2.0, 3.0], type: :f64), &Nx.mean/1)
square = Nx.Defn.grad(Nx.tensor(0.5, type: :f64), &Nx.divide(Nx.multiply(&1, &1), 3))
IO.puts("x / 3: #{inspect(third.type)} #{Nx.to_number(third)}; mean: #{inspect(mean.type)} #{Nx.to_number(mean[0])}; x * x / 3: #{Nx.to_number(square)}")
off = fn tensor -> abs(Nx.to_number(tensor) - 1 / 3) > 1.0e-9 end
System.halt(if third.type == {:f, 32} and off.(third) and off.(mean[0]) and off.(square), do: 0, else: 1)
EX
cd "$work/gradient"
if ! { mix deps.get && mix run --no-start -e ':ok'; } >"$work/log" 2>&1; then
  tail -n 20 "$work/log"
  exit 69
fi
mix run gradient.exs
