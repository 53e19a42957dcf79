defmodule GpuNode.Diagnostics.Fourier do
  @moduledoc """
  The Fourier transforms that autocovariances need: forward by decimation in frequency, back by decimation in time.

  Spectra are in bit-reversed order, which the one leaves and the other takes: nothing is ever permuted. Sequences are lists of real
  and of imaginary parts. O(n log n).
  """

  @enforce_keys [:size, :twiddles]
  defstruct [:size, :twiddles]

  @typedoc "The size, a power of two, and for each halving of it the cosines and sines."
  @type t :: %__MODULE__{size: pos_integer, twiddles: [{[float], [float]}]}

  @doc "For sequences of up to `size` elements; those that are shorter are filled up with zeros."
  @spec plan(pos_integer) :: t
  def plan(size) do
    size = power_of_two(1, size)
    %__MODULE__{size: size, twiddles: twiddles(size)}
  end

  defp power_of_two(n, size) when n >= size, do: n
  defp power_of_two(n, size), do: power_of_two(2 * n, size)

  defp twiddles(1), do: []

  defp twiddles(size) do
    angles = for k <- 0..(div(size, 2) - 1), do: -2.0 * :math.pi() * k / size
    [{Enum.map(angles, &:math.cos/1), Enum.map(angles, &:math.sin/1)} | twiddles(div(size, 2))]
  end

  @doc "The squared magnitudes of the spectrum of `re + i im`, in bit-reversed order."
  @spec power(t, [float], [float]) :: [float]
  def power(%{size: size, twiddles: twiddles}, re, im) do
    rest = List.duplicate(0.0, size - length(re))
    forward(re ++ rest, im ++ rest, div(size, 2), twiddles, [])
  end

  defp forward([re], [im], _half, [], acc), do: [re * re + im * im | acc]

  defp forward(re, im, half, [{cos, sin} | twiddles], acc) do
    {re1, re2} = Enum.split(re, half)
    {im1, im2} = Enum.split(im, half)
    {sum_re, sum_im, turned_re, turned_im} = down(re1, im1, re2, im2, cos, sin)
    quarter = div(half, 2)
    acc = forward(turned_re, turned_im, quarter, twiddles, acc)
    forward(sum_re, sum_im, quarter, twiddles, acc)
  end

  defp down([a | as], [b | bs], [c | cs], [d | ds], [cos | coss], [sin | sins]) do
    {sum_re, sum_im, turned_re, turned_im} = down(as, bs, cs, ds, coss, sins)
    re = a - c
    im = b - d
    {[a + c | sum_re], [b + d | sum_im], [re * cos - im * sin | turned_re], [re * sin + im * cos | turned_im]}
  end

  defp down([], [], [], [], [], []), do: {[], [], [], []}

  @doc "The sums of products at lags 0 and up, of the sequence (or sequences) with this power spectrum: the real part of its inverse transform."
  @spec autocovariance(t, [float]) :: [float]
  def autocovariance(%{size: size, twiddles: twiddles}, power) do
    {re, _im} = back(power, List.duplicate(0.0, size), div(size, 2), twiddles)
    Enum.map(re, &(&1 / size))
  end

  defp back([re], [im], _half, []), do: {[re], [im]}

  defp back(re, im, half, [{cos, sin} | twiddles]) do
    {re1, re2} = Enum.split(re, half)
    {im1, im2} = Enum.split(im, half)
    quarter = div(half, 2)
    {re1, im1} = back(re1, im1, quarter, twiddles)
    {re2, im2} = back(re2, im2, quarter, twiddles)
    {sum_re, sum_im, rest_re, rest_im} = up(re1, im1, re2, im2, cos, sin)
    {sum_re ++ rest_re, sum_im ++ rest_im}
  end

  defp up([a | as], [b | bs], [c | cs], [d | ds], [cos | coss], [sin | sins]) do
    {sum_re, sum_im, rest_re, rest_im} = up(as, bs, cs, ds, coss, sins)
    re = c * cos + d * sin
    im = d * cos - c * sin
    {[a + re | sum_re], [b + im | sum_im], [a - re | rest_re], [b - im | rest_im]}
  end

  defp up([], [], [], [], [], []), do: {[], [], [], []}
end
