#!/usr/bin/env bash
# Nx 0.13.1: a float that meets a tensor of f64 in an eager op is rounded to f32; in the same function compiled it is not.
#
# Nx at 745b1d27 (0.13.1), complex at 17344af, telemetry at a382cd1, Nx.BinaryBackend, Nx.Defn.Evaluator.
# Expected: Nx.multiply(x, 0.1) of x = 1.0 in f64 is 0.1, by whatever it is computed.
# Seen: called by itself it is 0.10000000149011612, 0.1 rounded to f32; by Nx.Defn.jit it is 0.1.
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

mkdir "$work/number"
cat >"$work/number/mix.exs" <<'EX'
defmodule Number.MixProject do
  use Mix.Project
  def project, do: [app: :number, version: "0.1.0", deps: deps()]
  defp deps, do: for({name, path} <- [nx: "../nx/nx", complex: "../complex", telemetry: "../telemetry"], do: {name, path: path, override: true})
end
EX
cat >"$work/number/number.exs" <<'EX'
x = Nx.tensor(1.0, type: :f64)
eager = Nx.multiply(x, 0.1) |> Nx.to_number()
jitted = Nx.Defn.jit(&Nx.multiply(&1, 0.1)).(x) |> Nx.to_number()
IO.puts("eager: #{eager}; by jit: #{jitted}")
System.halt(if eager == 0.10000000149011612 and jitted == 0.1, do: 0, else: 1)
EX
cd "$work/number"
if ! { mix deps.get && mix run --no-start -e ':ok'; } >"$work/log" 2>&1; then
  tail -n 20 "$work/log"
  exit 69
fi
mix run number.exs
