#!/usr/bin/env bash
# Nx 0.13.1: the gradient of eigenvalues by Nx.LinAlg.eigh has no entries off the diagonal of a matrix of two rows.
#
# Nx at 745b1d27 (0.13.1), complex at 17344af, telemetry at a382cd1, Nx.BinaryBackend, f32. The eigenvalues of
# [[2, 0.5], [0.5, 1]] are summed with the weights 1 and 3.
# Expected: the gradient is the slope: v1 v1^T + 3 v2 v2^T, whose entries off the diagonal are -0.707 each, so that moving
# both by h changes the sum by -1.414 h, as differences of the function itself say.
# Seen: [[1.293, 0], [0, 2.707]], without an error. The diagonal is right. In f64 the gradient raises instead
# (ArgumentError, "unexpected size for tensor data").
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

mkdir "$work/slope"
cat >"$work/slope/mix.exs" <<'EX'
defmodule Slope.MixProject do
  use Mix.Project
  def project, do: [app: :slope, version: "0.1.0", deps: deps()]
  defp deps, do: for({name, path} <- [nx: "../nx/nx", complex: "../complex", telemetry: "../telemetry"], do: {name, path: path, override: true})
end
EX
cat >"$work/slope/slope.exs" <<'EX'
a = Nx.tensor([[2.0, 0.5], [0.5, 1.0]])

sum = fn a ->
  {values, vectors} = Nx.LinAlg.eigh(a)
  # Nx wants every result in use.
  Nx.add(Nx.sum(Nx.multiply(values, Nx.tensor([1.0, 3.0]))), Nx.multiply(0, Nx.sum(vectors)))
end

[[_, gradient], [other, _]] = Nx.Defn.grad(sum).(a) |> Nx.to_list()
moved = fn h -> sum.(Nx.add(a, Nx.tensor([[0.0, h], [h, 0.0]]))) |> Nx.to_number() end
slope = (moved.(0.01) - moved.(-0.01)) / 0.02
IO.puts("gradient off the diagonal: #{gradient} and #{other}; slope along both: #{Float.round(slope, 4)}")
System.halt(if gradient == 0.0 and other == 0.0 and abs(slope + 1.4142) < 0.01, do: 0, else: 1)
EX
cd "$work/slope"
if ! { mix deps.get && mix run --no-start -e ':ok'; } >"$work/log" 2>&1; then
  tail -n 20 "$work/log"
  exit 69
fi
mix run slope.exs
