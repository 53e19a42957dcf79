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

  @doc "For sequences of up to `length` elements, filled up with zeros to twice that and a power of two, so that no lag wraps around."
  @spec plan(pos_integer) :: t
  def plan(length) do
    size = power_of_two(8, 2 * length)
    %__MODULE__{size: size, twiddles: twiddles(size)}
  end

  defp power_of_two(n, size) when n >= size, do: n
  defp power_of_two(n, size), do: power_of_two(2 * n, size)

  defp twiddles(1), do: []

  defp twiddles(size) do
    angles = for k <- 0..(div(size, 2) - 1), do: -2.0 * :math.pi() * k / size
    [{Enum.map(angles, &:math.cos/1), Enum.map(angles, &:math.sin/1)} | twiddles(div(size, 2))]
  end

  @doc "The squared magnitudes of the spectrum of `re + i im`, of half the plan's size at most, in bit-reversed order."
  @spec power(t, [float], [float]) :: [float]
  def power(%{size: size, twiddles: [{cos, sin} | twiddles]}, re, im) do
    half = div(size, 2)
    {re, im} = {fill(re, half), fill(im, half)}
    # The other half is zeros: sums and differences with it are what is there.
    {turned_re, turned_im} = turn(re, im, cos, sin)
    odd = forward(turned_re, turned_im, div(half, 2), twiddles, [])
    forward(re, im, div(half, 2), twiddles, odd)
  end

  defp fill(list, size), do: list ++ List.duplicate(0.0, size - length(list))

  defp turn([re | res], [im | ims], [cos | coss], [sin | sins]) do
    {turned_re, turned_im} = turn(res, ims, coss, sins)
    {[re * cos - im * sin | turned_re], [re * sin + im * cos | turned_im]}
  end

  defp turn([], [], [], []), do: {[], []}

  # The last two steps at once, where the factors are 1 and -i.
  defp forward([a, b, c, d], [e, f, g, h], _half, _twiddles, acc) do
    {ac, bd, eg, fh} = {a + c, b + d, e + g, f + h}
    {a_c, b_d, e_g, f_h} = {a - c, b - d, e - g, f - h}

    [
      square(ac + bd, eg + fh),
      square(ac - bd, eg - fh),
      square(a_c + f_h, e_g - b_d),
      square(a_c - f_h, e_g + b_d) | acc
    ]
  end

  defp forward(re, im, half, [{cos, sin} | twiddles], acc) do
    {re1, re2} = :lists.split(half, re)
    {im1, im2} = :lists.split(half, im)
    {sum_re, sum_im, turned_re, turned_im} = down(re1, im1, re2, im2, cos, sin)
    quarter = div(half, 2)
    acc = forward(turned_re, turned_im, quarter, twiddles, acc)
    forward(sum_re, sum_im, quarter, twiddles, acc)
  end

  @compile {:inline, square: 2}
  defp square(re, im), do: re * re + im * im

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
