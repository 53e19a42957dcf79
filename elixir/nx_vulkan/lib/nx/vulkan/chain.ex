defmodule Nx.Vulkan.Chain do
  @moduledoc """
  Chain shaders from functions of Nx: a log density that is written in `defn` becomes a model of `GpuNode.Chain`, gradient and all.

      defmodule Schools do
        import Nx.Defn

        defn density(%{mu: mu, tau: tau, eta: eta}, %{y: y, sigma: sigma}) do
          theta = mu + tau * eta
          normal(mu, 0, 5) + Nx.log(tau) - tau / 5 + Nx.sum(normal(eta, 0, 1.0)) + Nx.sum(normal(y, theta, sigma))
        end

        defn normal(x, mean, sd), do: -0.5 * ((x - mean) / sd) ** 2 - Nx.log(sd)
      end

      variables = [mu: :real, tau: :positive, eta: [shape: {8}]]
      data = %{y: [28, 8, -3, 7, -1, 1, 18, 12], sigma: [15, 10, 16, 11, 9, 11, 10, 18]}
      {:ok, model} = Nx.Vulkan.Chain.from_defn(&Schools.density/2, variables: variables, data: data)
      {:ok, samples} = GpuNode.Chain.sample(model, 250, chains: 64)

  The function is given a map of its variables, on their supports, and where there is data a map of that. It gives one number, the log density of
  the variables as they are: the transforms to unconstrained coordinates, their log-Jacobians and the gradient are the family's,
  as of one that is written by hand. The model is for everything that `GpuNode.Chain` does; variables keep their names and their order.

  ## What may be in the function

  What does not depend on the variables is computed once, on the host, in f64: any op of Nx may be applied to data, or to tensors that the
  function has around it. Only what is read of it at last is data of the family.

  What depends on variables becomes expressions that are computed in the model's type, whatever types Nx would have them in:

    * elementwise: arithmetic, comparisons, `Nx.select/3`, `Nx.clip/3`, `Nx.exp/1` and its like, `log_gamma/1`
    * `Nx.sum/2` and what is made of it, such as `Nx.mean/2`; `Nx.dot/2`; `Nx.product/2`, `Nx.reduce_max/2` and `Nx.logsumexp/2` over 64
      elements at most
    * what moves elements: `Nx.reshape/2`, `Nx.transpose/2`, `Nx.slice/4`, `Nx.take/3` and `Nx.gather/3` with indices that are data,
      `Nx.concatenate/2`, `Nx.stack/2`, `Nx.pad/3`, `Nx.broadcast/3`
    * `cond`, of which both branches are computed, and `while` where data says how often it goes round

  Anything else is an error, `:unsupported`, that names the op, what it is given, and the variables behind that. So is what varies over more than two axes at
  once where it is data. A variable is a number or a vector; `Nx.reshape/2` makes a matrix of it.

  Write in logarithms what leaves the range of floats, as `specs/README.md` of the project says: `Nx.log/1` of a `:positive` variable is the coordinate itself,
  `Nx.log/1` of a `:unit_interval` one a log-sigmoid, and `Nx.log1p(Nx.exp(x))` a softplus. What Nx makes of numbers that stand in the
  function it makes in f32 (`Nx.log(5)`): give such a number as data, or its logarithm as a float.

  A sum over places of which each reads one of many groups, as `Nx.take(a, group)` does, goes by groups, which its gradient is short by.
  """

  alias GpuNode.{Chain, Error, Options}
  alias Nx.Vulkan.Chain.{Family, Known, Refused, Text, Trace}

  @supports [:real, :positive, :unit_interval]
  @transforms [:identity, :exp, :softplus, :sigmoid]

  @variable [
    support: [type: {:in, @supports}, default: :real, doc: "where it is"],
    shape: [type: :any, default: {}, doc: "`{}` for a number, `{n}` for a vector"],
    transform: [type: {:in, @transforms}, doc: "what maps a coordinate to the support, where it is not the usual"]
  ]

  @family [
    variables: [
      type: :named,
      required: true,
      doc:
        "what is sampled, in the order of the coordinates: a support (`:real`, `:positive`, `:unit_interval`) by name, or `[support: :positive, shape: {8}, transform: :softplus]`"
    ],
    data: [
      type: :named,
      doc: "what was observed, by name: tensors of any backend, numbers or nested lists; the function's second argument"
    ],
    name: [type: :string, default: "density", doc: "what the family is called in results and errors"]
  ]
  @from @family ++
          [
            node: [type: :any, doc: "the node; by default that of new tensors"],
            type: [type: {:in, [:f32, :f64, {:f, 32}, {:f, 64}]}, default: :f64, doc: "`:f64` or `:f32`"],
            chains: [type: :pos_integer, default: 4, doc: "as for `GpuNode.Chain.compile/3`"],
            timeout: [type: :timeout, default: 60_000, doc: "in ms"]
          ]

  @doc """
  The model of a log density. Options:

  #{Options.docs(@from)}

  Errors: `:invalid_argument` for a function of another arity, a support that there is not, a result that is no number; `:unsupported` for what has no
  lowering; those of `GpuNode.Chain.compile/3`. What the function itself raises, or Nx about its shapes, is raised as it is.
  """
  @spec from_defn(function, keyword) :: {:ok, Chain.Model.t()} | {:error, Error.t()}
  def from_defn(fun, options) do
    with {:ok, options} <- Options.check(options, @from, "Nx.Vulkan.Chain.from_defn/2"),
         {own, options} = Keyword.split(options, Keyword.keys(@family)),
         {:ok, family} <- family(fun, own),
         {node, options} = Keyword.pop(options, :node),
         {:ok, node} <- if(node, do: {:ok, node}, else: Nx.Vulkan.default_node()),
         do: Chain.compile(node, family.text, [data: family.data] ++ options)
  end

  @doc "As `from_defn/2`, raising `GpuNode.Error`."
  @spec from_defn!(function, keyword) :: Chain.Model.t()
  def from_defn!(fun, options), do: fun |> from_defn(options) |> Error.unwrap!()

  @doc """
  What `from_defn/2` makes of a log density before a node has it: the `text` of its family and the `data` that this reads, for
  `GpuNode.Chain.compile/3`. No node is needed. Options:

  #{Options.docs(@family)}

      iex> {:ok, family} = Nx.Vulkan.Chain.family(&Nx.negate(Nx.sum(Nx.pow(Nx.divide(&1.x, Nx.tensor([1, 2])), 2))), variables: [x: [shape: {2}]])
      iex> :json.decode(family.text)["terms"]
      [%{"index" => "i1", "over" => "n2", "expression" => "-(x[i1] / c1[i1])^2"}]
      iex> Nx.to_list(family.data["c1"])
      [1, 2]
  """
  @spec family(function, keyword) ::
          {:ok, %{text: String.t(), data: %{String.t() => Nx.Tensor.t()}}} | {:error, Error.t()}
  def family(fun, options) do
    with {:ok, options} <- Options.check(options, @family, "Nx.Vulkan.Chain.family/2") do
      variables = Enum.map(options[:variables], &variable/1)
      if variables == [], do: Refused.invalid("a log density has at least one variable")
      data = with [_ | _] = given <- Enum.to_list(options[:data] || []), do: Enum.map(given, &data/1)
      inputs = [Enum.map(variables, &{&1.key, &1.shape}) | if(options[:data], do: [data], else: [])]
      takes(fun, inputs)
      named(options[:name])
      {:ok, fun |> Trace.node(inputs) |> Family.make(options[:name], variables)}
    end
  catch
    {:refused, %{code: :unsupported} = error} -> {:error, %{error | message: "#{inspect(fun)}: #{error.message}"}}
    {:refused, error} -> {:error, error}
  end

  @doc """
  The logarithm of the absolute value of the gamma function, which Nx lacks: in functions for `from_defn/2`, where its derivative is digamma, and
  elsewhere.

      iex> Nx.Vulkan.Chain.log_gamma(Nx.tensor([1.0, 5.0, 0.5], type: :f64)) |> Nx.exp() |> Nx.multiply(1000) |> Nx.round() |> Nx.to_list()
      [1000.0, 24000.0, 1772.0]
  """
  @spec log_gamma(Nx.Tensor.t() | number) :: Nx.Tensor.t()
  def log_gamma(x), do: Nx.Vulkan.Chain.LogGamma.of(x)

  defp named(name),
    do: unless(Text.name?(name), do: Refused.invalid("'#{name}' cannot be the name of a family: #{Text.names()}"))

  defp takes(fun, inputs) do
    count = length(inputs)

    unless is_function(fun, count) do
      what = if count == 2, do: "variables and data", else: "variables"
      other = if is_function(fun, 2), do: "; one of data too is given the option :data", else: ""
      Refused.invalid("the log density is a function of #{what} (of #{count}), got #{inspect(fun)}#{other}")
    end
  end

  defp variable({name, support}) when is_atom(support), do: variable({name, [support: support]})

  defp variable({name, options}) when is_atom(name) do
    what = "variable #{inspect(name)}"

    case Options.check(options, @variable, what) do
      {:ok, options} ->
        unless shape?(options[:shape]),
          do:
            Refused.invalid(
              "#{what}: its shape is {} or {n}, got #{inspect(options[:shape])}; reshape it in the function"
            )

        unless Text.name?(Atom.to_string(name)),
          do: Refused.invalid("'#{name}' cannot be the name of a variable: #{Text.names()}")

        %{
          key: name,
          name: Atom.to_string(name),
          shape: options[:shape],
          support: options[:support],
          transform: options[:transform]
        }

      {:error, error} ->
        throw({:refused, error})
    end
  end

  defp variable({name, _options}), do: Refused.invalid("the name of a variable is an atom, got #{inspect(name)}")

  defp shape?({}), do: true
  defp shape?({n}), do: is_integer(n) and n > 0
  defp shape?(_other), do: false

  defp data({name, value}) when is_atom(name) do
    unless Text.name?(Atom.to_string(name)),
      do: Refused.invalid("'#{name}' cannot be the name of data: #{Text.names()}")

    {name, value |> tensor(name) |> real(name) |> Known.double()}
  end

  defp data({name, _value}), do: Refused.invalid("the name of data is an atom, got #{inspect(name)}")

  # Numbers as exact as they are given.
  defp tensor(%Nx.Tensor{} = tensor, _name), do: tensor

  defp tensor(numbers, name) do
    whole? = [numbers] |> List.flatten() |> Enum.all?(&is_integer/1)
    Nx.tensor(numbers, type: if(whole?, do: :s64, else: :f64), backend: Nx.BinaryBackend)
  rescue
    error in [ArgumentError, FunctionClauseError] ->
      Refused.invalid("data #{inspect(name)}: #{Exception.message(error)}")
  end

  defp real(%{type: {:c, _}} = tensor, name) do
    text = GpuNode.Type.text(tensor.type, tensor.shape)
    Refused.invalid("data #{inspect(name)} is #{text}, where real numbers are wanted")
  end

  defp real(tensor, _name), do: tensor
end
