defmodule Nx.Vulkan.Test.Vectors.ProgramFunctions do
  @moduledoc false
  # Functions of Nx.Defn as people write them, with arguments: what test/vectors/programs is captured from. A function is
  # {name, what it is, function, arguments, bound}; the bound is of floats, times the largest number of the result.

  import Nx.Defn

  @tight 2.0e-6
  @loose 2.0e-5

  @spec all() :: [{String.t(), String.t(), fun, [term], float}]
  def all do
    [
      {"softmax", "of rows, shifted by their maxima", &softmax/1, [numbers({6, 10}, 1)], @tight},
      {"log_softmax_grad", "gradient of cross entropy by its logits", &cross_entropy_grad/2,
       [numbers({4, 5}, 2), one_hot(4, 5)], @tight},
      {"layer_norm", "rows to mean 0 and deviation 1, scaled and moved", &layer_norm/3,
       [numbers({3, 16}, 3), numbers({16}, 4), numbers({16}, 5)], @loose},
      {"layer_norm_grad", "gradients of its square by all three", &layer_norm_grad/3,
       [numbers({3, 8}, 3), numbers({8}, 4), numbers({8}, 5)], @loose},
      {"gelu", "by erf", &gelu/1, [numbers({64}, 6)], @tight},
      {"swish_grad", "gradient of x times its sigmoid", &swish_grad/1, [numbers({64}, 7)], @tight},
      {"mlp_step", "two layers, cross entropy, one step of gradient descent", &mlp_step/3,
       [
         {numbers({12, 8}, 8), numbers({8}, 9), numbers({8, 4}, 10), numbers({4}, 11)},
         numbers({5, 12}, 12),
         one_hot(5, 4)
       ], @loose},
      {"adam_step", "moments, corrected for their beginning", &adam_step/4,
       [numbers({20}, 13), numbers({20}, 14), Nx.multiply(numbers({20}, 15), 0.1), Nx.abs(numbers({20}, 16))], @tight},
      {"attention", "of one head, masked to what came before", &attention/3,
       [numbers({6, 8}, 17), numbers({6, 8}, 18), numbers({6, 8}, 19)], @loose},
      {"conv_step", "a convolution, its mean square and the gradient by the kernel", &conv_step/2,
       [numbers({1, 2, 6, 6}, 20), numbers({3, 2, 3, 3}, 21)], @loose},
      {"max_pool_grad", "gradient through the maxima of windows", &max_pool_grad/1, [numbers({1, 1, 6, 6}, 22)],
       @tight},
      {"dropout", "by a key, kept numbers made larger", &dropout/2, [key(5), numbers({4, 8}, 23)], @tight},
      {"linear_regression", "normal equations of two unknowns, solved by hand", &linear_regression/2,
       [numbers({30}, 24), numbers({30}, 25)], @loose},
      {"logistic_step", "logistic regression, one step with the gradient of its loss", &logistic_step/3,
       [numbers({6}, 26), numbers({20, 6}, 27), Nx.as_type(Nx.greater(numbers({20}, 28), 0), :f32)], @loose},
      {"k_means_step", "nearest centres, and the means of what is nearest to each", &k_means_step/2,
       [numbers({24, 3}, 29), numbers({4, 3}, 30)], @loose},
      {"k_nearest", "the labels of the three nearest, and which those are", &k_nearest/3,
       [numbers({5, 4}, 31), numbers({16, 4}, 32), Nx.remainder(Nx.iota({16}), 3)], @tight},
      {"pca_power", "the first principal component by ten rounds of the power method", &pca_power/2,
       [numbers({20, 5}, 33), numbers({5}, 34)], 1.0e-4},
      {"covariance", "of columns", &covariance/1, [numbers({20, 4}, 35)], @loose},
      {"standard_scaler", "columns to mean 0 and deviation 1", &standard_scaler/1, [numbers({20, 4}, 36)], @loose},
      {"min_max_scaler", "columns to 0 to 1", &min_max_scaler/1, [numbers({20, 4}, 37)], @tight},
      {"confusion", "how often each class was taken for each", &confusion/2,
       [Nx.remainder(Nx.iota({30}), 4), Nx.remainder(Nx.multiply(Nx.iota({30}), 7), 4)], 0.0},
      {"ridge_gradient", "gradient of squares and of a penalty", &ridge_gradient/3,
       [numbers({5}, 38), numbers({12, 5}, 39), numbers({12}, 40)], @loose},
      {"gaussian_naive", "log likelihood of each class, and the likeliest", &gaussian_naive/3,
       [numbers({6, 4}, 41), numbers({3, 4}, 42), Nx.add(Nx.abs(numbers({3, 4}, 43)), 0.5)], @loose},
      {"normal_log_density", "and its gradient by all three", &normal_log_density/3,
       [numbers({16}, 44), Nx.tensor(0.3), Nx.tensor(1.7)], @loose},
      {"student_t_log_density", "by the logarithm of the gamma function", &student_t/2,
       [numbers({16}, 45), Nx.tensor(4.0)], @loose},
      {"beta_log_density", "by the logarithm of the gamma function, of what is in 0 to 1", &beta/3,
       [Nx.sigmoid(numbers({16}, 46)), Nx.tensor(2.0), Nx.tensor(3.5)], @loose},
      {"poisson_log_density", "of counts", &poisson/2, [Nx.remainder(Nx.iota({16}), 9), Nx.tensor(3.2)], @loose},
      {"gamma_log_density_f64", "in double", &gamma/3,
       [Nx.exp(numbers({16}, 47, :f64)), Nx.tensor(2.5, type: :f64), Nx.tensor(1.5, type: :f64)], 1.0e-13},
      {"mixture_log_density", "of three normals, by the logarithm of a sum of exponentials", &mixture/2,
       [numbers({16}, 48), numbers({3}, 49)], @loose},
      {"leapfrog", "four steps with the gradient of a normal density", &leapfrog/2,
       [numbers({8}, 50), numbers({8}, 51)], @loose},
      {"random_normal", "of a key: Threefry's bits, and their normal numbers", &random_normal/1, [key(42)], @loose},
      {"random_uniform", "and the next key", &random_uniform/1, [key(7)], @tight},
      {"random_randint", "integers in 3 to 12", &random_randint/1, [key(9)], 0.0},
      {"random_split", "a key to four", &random_split/1, [key(11)], 0.0},
      {"metropolis", "a step: proposed, accepted where the density says so", &metropolis/2, [key(3), numbers({10}, 52)],
       @loose},
      {"cumulative_returns", "cumulative products and the largest fall", &cumulative_returns/1,
       [Nx.multiply(numbers({20}, 53), 0.05)], @loose},
      {"moving_average", "by sums of windows", &moving_average/1, [numbers({20}, 54)], @loose},
      {"ranks", "places when put in order, ties as they came", &ranks/1, [Nx.round(numbers({20}, 55))], 0.0},
      {"bits", "integers: shifts, masks, remainders, of types of several sizes", &bits/2,
       [Nx.iota({16}, type: :u32), Nx.iota({16}, type: :s16)], 0.0},
      {"strings_of_views", "transposed, reversed, cut, padded and put together", &views/1, [numbers({4, 6}, 56)], 0.0}
    ]
  end

  # Numbers in -2 to 2, the same everywhere: they come from no generator of Nx.
  defp numbers(shape, seed, type \\ :f32) do
    list =
      for place <- 1..Tuple.product(shape),
          do: (rem(place * 7919 + seed * 104_729 + place * place * 31, 4001) - 2000) / 1000

    list |> Nx.tensor(type: type) |> Nx.reshape(shape)
  end

  defp one_hot(rows, classes),
    do: Nx.equal(Nx.iota({rows, classes}, axis: 1), Nx.remainder(Nx.iota({rows, 1}), classes))

  defp key(seed), do: Nx.tensor([0, seed], type: :u32)

  ## Networks

  defn softmax(x) do
    e = Nx.exp(x - Nx.reduce_max(x, axes: [1], keep_axes: true))
    e / Nx.sum(e, axes: [1], keep_axes: true)
  end

  defn(cross_entropy(x, y), do: -Nx.mean(Nx.sum(Nx.log(softmax(x)) * y, axes: [1])))
  defn(cross_entropy_grad(x, y), do: value_and_grad(x, &cross_entropy(&1, y)))

  defn layer_norm(x, scale, shift) do
    centred = x - Nx.mean(x, axes: [1], keep_axes: true)
    centred / Nx.sqrt(Nx.mean(centred * centred, axes: [1], keep_axes: true) + 1.0e-3) * scale + shift
  end

  defn layer_norm_grad(x, scale, shift) do
    grad({x, scale, shift}, fn {x, scale, shift} -> Nx.sum(layer_norm(x, scale, shift) ** 2) end)
  end

  defn(gelu(x), do: x / 2 * (1 + Nx.erf(x / 1.4142135623730951)))
  defn(swish_grad(x), do: grad(x, &Nx.sum(&1 * Nx.sigmoid(&1))))

  defn mlp_step({w1, b1, w2, b2} = params, x, y) do
    {loss, {d1, e1, d2, e2}} =
      value_and_grad(params, fn {w1, b1, w2, b2} ->
        cross_entropy(Nx.dot(Nx.max(Nx.dot(x, w1) + b1, 0), w2) + b2, y)
      end)

    {loss, {w1 - 0.1 * d1, b1 - 0.1 * e1, w2 - 0.1 * d2, b2 - 0.1 * e2}}
  end

  defn adam_step(params, gradient, mean, square) do
    mean = 0.9 * mean + 0.1 * gradient
    square = 0.999 * square + 0.001 * gradient * gradient
    {params - 0.01 * (mean / (1 - 0.9 ** 3)) / (Nx.sqrt(square / (1 - 0.999 ** 3)) + 1.0e-7), mean, square}
  end

  defn attention(q, k, v) do
    scores = Nx.dot(q, Nx.transpose(k)) / Nx.sqrt(8)
    mask = Nx.iota({6, 6}, axis: 0) >= Nx.iota({6, 6}, axis: 1)
    Nx.dot(softmax(Nx.select(mask, scores, -1.0e9)), v)
  end

  defn conv_step(x, kernel) do
    value_and_grad(kernel, &Nx.mean(Nx.conv(x, &1, padding: :same) ** 2))
  end

  defn(max_pool_grad(x), do: grad(x, &Nx.sum(Nx.window_max(&1, {1, 1, 2, 2}, strides: [1, 1, 2, 2]) ** 2)))

  defn dropout(key, x) do
    {u, key} = Nx.Random.uniform(key, shape: {4, 8})
    {Nx.select(u < 0.8, x / 0.8, 0.0), key}
  end

  ## Learning from tables

  defn linear_regression(x, y) do
    dx = x - Nx.mean(x)
    slope = Nx.sum(dx * (y - Nx.mean(y))) / Nx.sum(dx * dx)
    {slope, Nx.mean(y) - slope * Nx.mean(x)}
  end

  defn logistic_step(w, x, y) do
    {loss, gradient} =
      value_and_grad(w, fn w ->
        z = Nx.dot(x, w)
        Nx.mean(Nx.max(z, 0) - z * y + Nx.log1p(Nx.exp(-Nx.abs(z)))) + 0.01 * Nx.sum(w * w)
      end)

    {loss, w - 0.5 * gradient}
  end

  defn distances(x, y) do
    difference = Nx.new_axis(x, 1) - Nx.new_axis(y, 0)
    Nx.sum(difference * difference, axes: [2])
  end

  defn k_means_step(x, centres) do
    distances = distances(x, centres)
    nearest = Nx.argmin(distances, axis: 1)
    members = Nx.as_type(Nx.new_axis(nearest, 1) == Nx.iota({1, 4}), :f32)
    counts = Nx.sum(members, axes: [0])
    means = Nx.dot(Nx.transpose(members), x) / Nx.new_axis(Nx.max(counts, 1), 1)

    {nearest, Nx.select(Nx.broadcast(Nx.new_axis(counts, 1) > 0, {4, 3}), means, centres),
     Nx.sum(Nx.reduce_min(distances, axes: [1]))}
  end

  defn k_nearest(x, known, labels) do
    order = Nx.argsort(distances(x, known), axis: 1, stable: true)[[.., 0..2]]
    {Nx.take(labels, order), order}
  end

  defn pca_power(x, start) do
    x = x - Nx.mean(x, axes: [0])
    covariance = Nx.dot(Nx.transpose(x), x) / 19

    {v, _} =
      while {v = start, covariance}, i <- 0..9 do
        w = Nx.dot(covariance, v) + 0 * i
        {w / Nx.sqrt(Nx.sum(w * w)), covariance}
      end

    {v, Nx.dot(v, Nx.dot(covariance, v))}
  end

  defn covariance(x) do
    x = x - Nx.mean(x, axes: [0])
    Nx.dot(Nx.transpose(x), x) / 20
  end

  defn standard_scaler(x) do
    deviation = Nx.standard_deviation(x, axes: [0])
    (x - Nx.mean(x, axes: [0])) / Nx.select(deviation == 0, 1.0, deviation)
  end

  defn min_max_scaler(x) do
    least = Nx.reduce_min(x, axes: [0])
    (x - least) / (Nx.reduce_max(x, axes: [0]) - least)
  end

  defn confusion(truth, guess) do
    places = Nx.stack([truth, guess], axis: 1)
    Nx.indexed_add(Nx.broadcast(0, {4, 4}), places, Nx.broadcast(1, {30}))
  end

  defn(ridge_gradient(w, x, y), do: grad(w, &(Nx.sum((Nx.dot(x, &1) - y) ** 2) + 0.1 * Nx.sum(&1 ** 2))))

  defn gaussian_naive(x, means, deviations) do
    z = (Nx.new_axis(x, 1) - means) / deviations
    scores = Nx.sum(-0.5 * z * z - Nx.log(deviations), axes: [2])
    {scores, Nx.argmax(scores, axis: 1)}
  end

  ## Densities and draws

  defn normal_density(x, mean, deviation) do
    z = (x - mean) / deviation
    Nx.sum(-0.5 * z * z - Nx.log(deviation) - 0.9189385332046727)
  end

  defn normal_log_density(x, mean, deviation) do
    value_and_grad({x, mean, deviation}, fn {x, mean, deviation} -> normal_density(x, mean, deviation) end)
  end

  # Stirling's series, eight places further.
  defn lgamma(x) do
    y = x + 8

    series = (y - 0.5) * Nx.log(y) - y + 0.9189385332046727 + 1 / (12 * y) - 1 / (360 * y ** 3) + 1 / (1260 * y ** 5)
    series - Nx.log(x * (x + 1) * (x + 2) * (x + 3)) - Nx.log((x + 4) * (x + 5) * (x + 6) * (x + 7))
  end

  defn student_t(x, nu) do
    half = (nu + 1) / 2
    lgamma(half) - lgamma(nu / 2) - 0.5 * Nx.log(nu * 3.141592653589793) - half * Nx.log1p(x * x / nu)
  end

  defn(beta(x, a, b),
    do: (a - 1) * Nx.log(x) + (b - 1) * Nx.log1p(-x) + lgamma(a + b) - lgamma(a) - lgamma(b)
  )

  defn(poisson(k, rate), do: k * Nx.log(rate) - rate - lgamma(k + 1.0))

  defn(gamma(x, shape, rate),
    do: shape * Nx.log(rate) - lgamma(shape) + (shape - 1) * Nx.log(x) - rate * x
  )

  defn mixture(x, means) do
    terms = -0.5 * (Nx.new_axis(x, 1) - means) ** 2 - 0.9189385332046727 - 1.0986122886681098
    most = Nx.reduce_max(terms, axes: [1], keep_axes: true)
    Nx.squeeze(most, axes: [1]) + Nx.log(Nx.sum(Nx.exp(terms - most), axes: [1]))
  end

  defn leapfrog(q, p) do
    {q, p} =
      while {q, p}, _ <- 0..3 do
        p = p + 0.05 * grad(q, &normal_density(&1, 0.0, 2.0))
        q = q + 0.1 * p
        {q, p + 0.05 * grad(q, &normal_density(&1, 0.0, 2.0))}
      end

    {q, p, normal_density(q, 0.0, 2.0) - 0.5 * Nx.sum(p * p)}
  end

  defn(random_normal(key), do: Nx.Random.normal(key, shape: {12}))
  defn(random_uniform(key), do: Nx.Random.uniform(key, -1.0, 3.0, shape: {3, 5}))
  defn(random_randint(key), do: Nx.Random.randint(key, 3, 12, shape: {12}))
  defn(random_split(key), do: Nx.Random.split(key, parts: 4))

  defn metropolis(key, x) do
    {step, key} = Nx.Random.normal(key, shape: {10})
    proposed = x + 0.5 * step
    {u, key} = Nx.Random.uniform(key, shape: {10})
    accepted = Nx.log(u) < -0.5 * (proposed * proposed - x * x)
    {Nx.select(accepted, proposed, x), Nx.sum(accepted), key}
  end

  ## Others

  defn cumulative_returns(returns) do
    wealth = Nx.cumulative_product(1 + returns)
    {wealth, Nx.reduce_max(1 - wealth / Nx.cumulative_max(wealth))}
  end

  defn(moving_average(x),
    do: Nx.window_sum(x, {5}, padding: [{2, 2}]) / Nx.window_sum(x * 0 + 1, {5}, padding: [{2, 2}])
  )

  defn ranks(x) do
    order = Nx.argsort(x, stable: true)
    {Nx.argsort(order, stable: true), Nx.take(x, order)}
  end

  defn bits(a, b) do
    mixed = Nx.bitwise_xor(Nx.left_shift(a, 3), Nx.right_shift(a * 2_654_435_761, 7))

    {mixed, Nx.remainder(b, 5), Nx.population_count(mixed), Nx.bitwise_and(Nx.as_type(mixed, :u8), 15),
     Nx.quotient(b, 3)}
  end

  defn views(x) do
    turned = x |> Nx.transpose() |> Nx.reverse(axes: [0])
    cut = Nx.slice(turned, [1, 0], [4, 4])

    {Nx.pad(cut, 0.0, [{1, 0, 0}, {0, 1, 1}]), Nx.concatenate([cut, Nx.reshape(x, {6, 4}) * 2], axis: 0),
     Nx.sum(cut, axes: [0])}
  end
end
