defmodule GpuNode.PublicOptionsTest do
  # That every public function which takes options knows them. No node is needed: what is wrong is said before anybody is asked.
  use ExUnit.Case, async: true
  alias GpuNode.{Chain, Diagnostics, Error, Op, Ops, Program, Shader, Tensor}

  @moduletag :truth

  # Of the package's modules those with documentation.
  {:ok, modules} = :application.get_key(:gpu_node, :modules)

  @documented for module <- modules,
                  {:docs_v1, _, _, _, %{"en" => _}, _, docs} <- [Code.fetch_docs(module)],
                  do: {module, docs}

  # Everything that takes options, as a function of the options.
  defp calls do
    tensor = tensor({2, 2})
    model = struct(Chain.Model, node: :nobody, session: 1, id: 1, coordinates: 2, type: {:f, 64})
    samples = struct(Chain.Samples, model: model, chains: 2, count: 2)
    program = Program.new()

    %{
      {GpuNode, :start_link, 1} => &GpuNode.start_link/1,
      {GpuNode, :child_spec, 1} => fn options ->
        %{start: {module, function, arguments}} = GpuNode.child_spec(options)
        apply(module, function, arguments)
      end,
      {GpuNode, :with_node, 2} => &GpuNode.with_node(&1, fn _name -> flunk("it was started") end),
      {GpuNode, :alive?, 2} => &GpuNode.alive?(:nobody, &1),
      {GpuNode, :ping, 2} => &GpuNode.ping(:nobody, &1),
      {GpuNode, :stats, 2} => &GpuNode.stats(:nobody, &1),
      {GpuNode, :memory, 2} => &GpuNode.memory(:nobody, &1),
      {GpuNode, :sync, 3} => &GpuNode.sync(:nobody, [tensor], &1),
      {GpuNode, :zeros, 4} => &GpuNode.zeros(:nobody, :f32, {2}, &1),
      {GpuNode, :run, 4} => &GpuNode.run(:nobody, program, [], &1),
      {GpuNode, :explain, 3} => &GpuNode.explain(:nobody, program, &1),
      {Program, :new, 1} => &Program.new/1,
      {GpuNode, :run!, 4} => &GpuNode.run!(:nobody, program, [], &1),
      {Tensor, :from_binary, 5} => &Tensor.from_binary(:nobody, <<0::64>>, :f32, {2}, &1),
      {Tensor, :from_binary!, 5} => &Tensor.from_binary!(:nobody, <<0::64>>, :f32, {2}, &1),
      {Tensor, :from_list, 4} => &Tensor.from_list(:nobody, [1, 2], :f32, &1),
      {Tensor, :from_list!, 4} => &Tensor.from_list!(:nobody, [1, 2], :f32, &1),
      {Tensor, :to_binary, 2} => &Tensor.to_binary(tensor, &1),
      {Tensor, :to_binary!, 2} => &Tensor.to_binary!(tensor, &1),
      {Tensor, :stream_binary, 2} => &Tensor.stream_binary(tensor, &1),
      {Tensor, :to_list, 2} => &Tensor.to_list(tensor, &1),
      {Tensor, :to_list!, 2} => &Tensor.to_list!(tensor, &1),
      {Tensor, :to_number, 2} => &Tensor.to_number(tensor({}), &1),
      {Tensor, :to_number!, 2} => &Tensor.to_number!(tensor({}), &1),
      {Tensor, :attach, 2} => &Tensor.attach(tensor, &1),
      {Tensor, :attach!, 2} => &Tensor.attach!(tensor, &1),
      {Shader, :compile, 3} => &Shader.compile(:nobody, "", &1),
      {Shader, :load, 3} => &Shader.load(:nobody, "", &1),
      {Shader, :dispatch, 4} => &Shader.dispatch(:nobody, "", [], &1),
      {Chain, :compile, 3} => &Chain.compile(:nobody, :normal, &1),
      {Chain, :compile!, 3} => &Chain.compile!(:nobody, :normal, &1),
      {Chain, :run, 2} => &Chain.run(model, &1),
      {Chain, :run!, 2} => &Chain.run!(model, &1),
      {Chain, :sample, 3} => &Chain.sample(model, 10, &1),
      {Chain, :sample!, 3} => &Chain.sample!(model, 10, &1),
      {Diagnostics.Draws, :new, 2} => &Diagnostics.Draws.new(<<0::64>>, &1),
      {Diagnostics.Draws, :new!, 2} => &Diagnostics.Draws.new!(<<0::64>>, &1),
      {Chain.InferenceData, :write, 3} => &Chain.InferenceData.write(samples, "nowhere", &1),
      {Chain.Samples, :write_inference_data, 3} => &Chain.Samples.write_inference_data(samples, "nowhere", &1),
      {Chain.Samples, :write_inference_data!, 3} => &Chain.Samples.write_inference_data!(samples, "nowhere", &1),
      {Diagnostics, :warnings, 2} => &Diagnostics.warnings([[1, 2]], &1),
      {Diagnostics.Plot, :density, 3} => &Diagnostics.Plot.density([[1, 2]], 0, &1)
    }
  end

  # What checks options and who has them checked.
  @checkers [GpuNode.Options]

  defp tensor(shape) do
    %Tensor{node: :nobody, incarnation: 1, session: 1, id: 1, type: {:f, 32}, shape: shape, ref: make_ref()}
  end

  defp error(call, options) do
    case call.(options) do
      {:error, %Error{code: :invalid_argument} = error} -> error.message
      other -> flunk("#{inspect(options)} gave #{inspect(other)}")
    end
  rescue
    error in Error ->
      assert error.code == :invalid_argument
      error.message
  end

  # The keys in the list of a text: ":a, :b".
  defp keys(text), do: for([key] <- Regex.scan(~r/:(\w+[?!]?)/, text, capture: :all_but_first), do: key)

  defp listed(message) do
    [_, list] = String.split(message, "the options are ")
    list |> keys() |> Enum.sort()
  end

  defp doc(function) do
    with {module, name, arity} <- function,
         {module, docs} = List.keyfind(@documented, module, 0),
         {_, _, _, %{"en" => text}, _} <- Enum.find(docs, &match?({{:function, ^name, ^arity}, _, _, _, _}, &1)),
         do: {module, text}
  end

  test "every public function whose last argument is a keyword list is in the table here" do
    for {module, docs} <- @documented, module not in @checkers do
      {:ok, specs} = Code.Typespec.fetch_specs(module)
      shown = for {{:function, name, arity}, _, _, %{"en" => _}, _} <- docs, do: {name, arity}

      for {{name, arity}, [spec | _]} <- specs, {name, arity} in shown, last(spec) == :keyword do
        assert is_map_key(calls(), {module, name, arity}), "#{inspect(module)}.#{name}/#{arity} takes options"
      end
    end
  end

  # `:keyword` where a function's last argument is one, `:attributes` where it may be a map instead. with_node/2 has its options first.
  defp last({:type, _, :fun, [{:type, _, :product, arguments}, _result]}), do: arguments |> List.last() |> kind()
  defp last({:type, _, :bounded_fun, [fun, _constraints]}), do: last(fun)

  defp kind({:user_type, _, :keyword, []}), do: :keyword
  defp kind({:remote_type, _, [{:atom, _, :elixir}, {:atom, _, :keyword}, []]}), do: :keyword
  defp kind({:type, _, :union, [_, {:type, _, :map, :any}]}), do: :attributes
  defp kind(_other), do: nil

  test "the walk over the specifications finds what it looks for" do
    {:ok, specs} = Code.Typespec.fetch_specs(GpuNode)
    kinds = for {{name, _}, [spec | _]} <- specs, into: %{}, do: {name, last(spec)}
    assert %{ping: :keyword, run: :keyword, op: :attributes, status: nil} = kinds
  end

  test "an unknown key is refused, and those that there are are listed" do
    for {function, call} <- calls() do
      message = error(call, bogus: 1)
      assert message =~ "unknown option :bogus; the options are ", "#{inspect(function)}: #{message}"
    end
  end

  test "a key that is given twice is refused" do
    for {function, call} <- calls() do
      [key | _] = call |> error(bogus: 1) |> listed()
      key = String.to_existing_atom(key)
      message = error(call, [{key, 1}, {key, 1}])
      assert message =~ "the option #{inspect(key)} is given more than once", "#{inspect(function)}: #{message}"
    end
  end

  test "options that are no keyword list are refused" do
    for {function, call} <- calls(), options <- [%{timeout: 1}, [:timeout], 5], function != {GpuNode, :child_spec, 1} do
      assert error(call, options) =~ ~r/options are a keyword list(, got .*)?; the options are /
    end

    # A cookie may be in them.
    refute error(&GpuNode.start_link/1, [:name, {:cookie, :very_secret}]) =~ "very_secret"
  end

  test "a time that is none is refused" do
    for {function, call} <- calls(), "timeout" in listed(error(call, bogus: 1)) do
      for wrong <- [-1, "x", 1.5, :infinity, nil, 86_400_001] do
        assert error(call, required(function) ++ [timeout: wrong]) =~ ~r/the option :timeout is .*86400000, got/
      end
    end
  end

  # What a call cannot do without.
  defp required({Chain, name, 2}) when name in [:run, :run!], do: [position: [1.0], momentum: [1.0], step_size: 1.0]
  defp required(_function), do: []

  test "values that an option cannot have are refused, and what it can is said" do
    calls = calls()
    steps = [position: [1.0], momentum: [1.0], step_size: 1.0]

    for {function, options, text} <- [
          {{Chain, :sample, 3}, [chains: 0], "the option :chains is an integer of at least 1, got 0"},
          {{Chain, :sample, 3}, [seed: -1], "the option :seed is an integer from 0 to 18446744073709551615, got -1"},
          {{Chain, :sample, 3}, [warmup: -1], "the option :warmup is an integer of at least 0, got -1"},
          {{Chain, :sample, 3}, [target_accept: 1], "the option :target_accept is a number between 0 and 1, got 1"},
          {{Chain, :sample, 3}, [jitter: 2], "the option :jitter is a number from 0 to 1, got 2"},
          {{Chain, :sample, 3}, [step_size: 0], "the option :step_size is a number above 0, got 0"},
          {{Chain, :sample, 3}, [keep_draws: 1], "the option :keep_draws is true or false, got 1"},
          {{Chain, :sample, 3}, [mapping: :galaxy], "is :thread or :subgroup or :workgroup, got :galaxy"},
          {{Chain, :sample, 3}, [progress: :all],
           "the option :progress is true or false or :auto or a function of 1 argument, got :all"},
          {{Chain, :compile, 3}, [chains: 0], "the option :chains is an integer of at least 1, got 0"},
          {{Chain, :compile, 3}, [type: :s32], "the option :type is :f32 or :f64"},
          {{Chain, :compile, 3}, [parameters: 5], "the option :parameters is a map or a list of pairs"},
          {{Chain, :compile, 3}, [parameters: [mu: 1, mu: 2]], "each name (an atom or a string) given once"},
          {{Chain, :compile, 3}, [parameters: %{"mu" => 1, mu: 2}], "each name (an atom or a string) given once"},
          {{Chain, :run, 2}, steps ++ [steps: 0], "the option :steps is an integer of at least 1, got 0"},
          {{Chain, :run, 2}, steps ++ [rows: :some], "the option :rows is :all or :last, got :some"},
          {{Chain, :run, 2}, [position: [1.0]], "the options :momentum, :step_size are missing"},
          {{Tensor, :to_binary, 2}, [limit: -1], "the option :limit is an integer of at least 0 or :infinity, got -1"},
          {{Tensor, :stream_binary, 2}, [slice_bytes: 0], "the option :slice_bytes is an integer of at least 1, got 0"},
          {{Shader, :dispatch, 4}, [groups: {0, 1, 1}], "the option :groups is three counts of groups"},
          {{Shader, :dispatch, 4}, [push: 5], "the option :push is a string, got 5"},
          {{Diagnostics.Plot, :density, 3}, [width: 0], "the option :width is an integer of at least 1, got 0"},
          {{Diagnostics.Plot, :density, 3}, [range: {2, 1}], "the option :range is two numbers"},
          {{GpuNode, :start_link, 1}, [memory_limit: "8g"], "the option :memory_limit is an integer of at least 1"},
          {{GpuNode, :start_link, 1}, [cookie: "secret"], "the option :cookie is an atom of at most 255 characters"},
          {{GpuNode, :start_link, 1}, [node: :here], "the option :node is a node's name such as"},
          {{GpuNode, :start_link, 1}, [raw_shaders: 1], "the option :raw_shaders is true or false, got 1"},
          {{GpuNode, :start_link, 1}, [lease_ms: 10], "the option :lease_ms is an integer from 1000 to 600000, got 10"}
        ] do
      assert error(calls[function], options) =~ text
    end

    refute error(calls[{GpuNode, :start_link, 1}], cookie: "secret") =~ "secret"
  end

  test "what a docstring lists is what the check lists" do
    for {function, call} <- calls(), {_module, text} <- [doc(function)], text =~ "Options:" do
      shown = for [key] <- Regex.scan(~r/^ *\* `:(\w+)` - /m, text, capture: :all_but_first), do: key
      assert Enum.sort(Enum.uniq(shown)) -- listed(error(call, bogus: 1)) == [], inspect(function)
      assert listed(error(call, bogus: 1)) -- shown == [], inspect(function)
    end
  end

  test "the options of start_link are all in its documentation" do
    {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(GpuNode)
    [text] = for {{:function, :start_link, 1}, _, _, %{"en" => text}, _} <- docs, do: text
    start = calls()[{GpuNode, :start_link, 1}]

    for options <- [[bogus: 1], [node: :gpu0@host, bogus: 1]], key <- start |> error(options) |> listed() do
      assert text =~ "* `:#{key}` - "
    end

    assert text =~ "* `:raw_shaders` - "
    assert error(start, bogus: 1) =~ "a local node: "
    assert error(start, node: :gpu0@host, device: 1) =~ "a remote node: unknown option :device; "
  end

  describe "attributes of ops" do
    defp ops do
      operands = fn row -> List.duplicate(tensor({2, 2}), if(row.list, do: 2, else: row.operands)) end

      for {name, row} <- Op.table() do
        arguments = if row.list, do: [operands.(row)], else: operands.(row)
        own = row.attributes |> Map.keys() |> Enum.sort()

        eager =
          if row.operands == 0,
            do: &apply(Ops, name, [:nobody, &1]),
            else: &apply(Ops, name, arguments ++ [&1])

        {program, values} =
          Enum.reduce(operands.(row), {Program.new(), []}, fn _tensor, {program, values} ->
            {program, value} = Program.input(program, :f32, {2, 2})
            {program, values ++ [value]}
          end)

        built = &apply(Program, name, [program | if(row.list, do: [values], else: values)] ++ [&1])
        issued = &GpuNode.op(:nobody, name, operands.(row), &1)
        {name, own, [eager, built, issued, &GpuNode.op!(:nobody, name, operands.(row), &1)]}
      end
    end

    test "an unknown one is refused, and those that there are are listed" do
      for {name, own, calls} <- ops(), call <- calls, options <- [[bogus: 1], %{bogus: 1}] do
        message = error(call, options)
        assert message =~ "#{name}"
        [_, those] = String.split(message, "unknown attribute :bogus; it takes ")
        assert Enum.map(own, &to_string/1) -- keys(those) == []
      end
    end

    test "one that is given twice is refused" do
      for {_name, [key | _], calls} <- ops(), call <- calls do
        assert error(call, [{key, 1}, {key, 1}]) =~ "the attribute #{inspect(key)} is given more than once"
      end
    end

    test "one that is misspelt is not left out" do
      x = tensor({2, 2})
      {program, y} = Program.input(Program.new(), :f32, {2, 2})
      assert error(&Ops.sum(x, &1), axis: 0) =~ "unknown attribute :axis; it takes :axes, :keep_axes, :type"

      assert error(&Program.sum(program, y, &1), axis: 1) =~
               "unknown attribute :axis; it takes :axes, :keep_axes, :type"

      assert error(&Ops.argmax(x, &1), axs: 0) =~ "unknown attribute :axs; it takes :axis, "

      assert error(&Ops.dot(x, x, &1), contract_rigth: [0]) =~
               "unknown attribute :contract_rigth; it takes :batch_left, "

      assert error(&GpuNode.op(:nobody, :add, [x, x], &1), foo: 1) =~ "unknown attribute :foo; it takes :type"
    end

    test "values that one cannot have are refused: false is no default, a list is no axis" do
      x = tensor({2, 2})
      assert error(&Ops.sum(x, &1), axes: false) =~ "axes are a list of integers, got false"
      assert error(&Ops.sum(x, &1), type: false) =~ "false is not a type"
      assert error(&Ops.argmax(x, &1), axis: [0, 1]) =~ "axis is an integer, got [0, 1]"
      assert error(&Ops.argmax(x, &1), axis: false) =~ "axis is an integer, got false"
      assert error(&Ops.iota(:nobody, &1), shape: {2, 2}, axis: [0, 1]) =~ "axis is an integer, got [0, 1]"
      assert error(&Ops.argmax(x, &1), tie_break: false) =~ "tie_break is :low or :high, got false"
      assert error(&Ops.top_k(x, &1), k: false) =~ "k is 1 to 2, got false"
    end
  end

  test "draws that are given as lists take names alone, draws that are draws nothing" do
    for data <- [[[1, 2]], [{"a", [[1, 2]]}], %{"a" => [[1, 2]]}] do
      assert error(&Diagnostics.Draws.new(data, &1), type: :f32) =~ "unknown option :type; the options are :names"
    end

    draws = Diagnostics.Draws.new!([[1, 2]])
    assert error(&Diagnostics.Draws.new!(draws, &1), names: ["a"]) =~ "unknown option :names; there are none"
  end
end
