defmodule GpuNode.LimitsTest do
  # What is too large is refused where the caller is, and what slips past that costs one answer, not the connection.
  use GpuNode.NodeCase, async: false
  alias GpuNode.{Capabilities, Chain, Client, Link, Protocol, Shader}

  @moduletag :truth
  @large 9 * 1024 * 1024

  setup %{gpu: name} do
    {:ok, kept: Tensor.from_list!(name, [1.0, 2.0], :f32), limits: elem(Capabilities.fetch(name), 1).limits}
  end

  # Neither the tensor made before nor the session has gone.
  defp unharmed(name, kept) do
    assert Tensor.to_list!(kept) == [1.0, 2.0]
    assert status!(name).connections == 1
  end

  defp refused({:error, %Error{code: :invalid_argument, message: text}}, numbers) do
    for number <- numbers, do: assert(text =~ "#{number}")
    text
  end

  test "the node says what it takes", %{limits: limits} do
    for key <-
          ~w(max_message_bytes max_ids max_operands max_program_inputs max_program_instructions max_family_bytes max_names
                  max_name_bytes inline_chain_bytes max_glsl_bytes max_module_bytes inline_shader_bytes max_shader_buffers
                  max_push_bytes)a,
        do: assert(is_integer(limits[key]), "#{key}")
  end

  test "a family's text, names and numbers", %{gpu: name, kept: kept, limits: limits} do
    text = String.duplicate(" ", @large)
    assert refused(Chain.compile(name, text), [@large, limits.max_family_bytes]) =~ "`data:`"
    many = for n <- 1..(limits.max_names + 1), do: {"p#{n}", 1.0}
    assert refused(Chain.compile(name, :normal, parameters: many), [limits.max_names, limits.max_names + 1]) =~ "array"
    long = String.duplicate("n", 300)
    assert refused(Chain.compile(name, :normal, parameters: [{long, 1.0}]), [300, limits.max_name_bytes])
    arrays = for n <- 1..200, do: {"x#{n}", {:binary.copy(<<0>>, 65_536), {8192}}}
    assert refused(Chain.compile(name, :normal, data: arrays), [limits.max_message_bytes]) =~ "tensors"
    unharmed(name, kept)
  end

  test "shaders: texts and modules; buffers of any size and number go as tensors", context do
    %{gpu: name, kept: kept, limits: limits} = context
    assert refused(Shader.compile(name, String.duplicate(" ", @large)), [@large, limits.max_glsl_bytes])
    assert refused(Shader.load(name, :binary.copy(<<0>>, @large)), [@large, limits.max_module_bytes])
    assert refused(Shader.dispatch(name, <<0::32>>, [<<1::32>>], push: :binary.copy(<<0>>, @large)), [@large])
    too_many = List.duplicate(<<1::32>>, limits.max_shader_buffers + 1)
    assert refused(Shader.dispatch(name, <<0::32>>, too_many), [limits.max_shader_buffers])

    glsl = """
    #version 450
    layout(local_size_x = 1) in;
    layout(set = 0, binding = 0) buffer A { uint a[]; };
    layout(set = 0, binding = 12) buffer B { uint b[]; };
    void main() { b[0] = a[0] + 1; }
    """

    {:ok, spirv} = Shader.compile(name, glsl)
    twelve = List.duplicate(:binary.copy(<<7::32-little>>, 262_144), 12)
    assert {:ok, [<<8::32-little>>]} = Shader.dispatch(name, spirv, twelve ++ [{:out, 4}])
    unharmed(name, kept)
  end

  test "chains and samples", %{gpu: name, kept: kept, limits: limits} do
    model = Chain.compile!(name, :normal, parameters: [mu: 0.0, sigma: 1.0], dimensions: [d: 1])
    mass = :binary.copy(<<1.0::float-little>>, div(@large, 8))
    assert refused(Chain.sample(model, 1, inverse_mass: mass), [limits.max_message_bytes]) =~ "`inverse_mass:`"
    {:ok, link} = Link.fetch(name)
    operands = %{position: :binary.copy(<<0>>, 2 * 1024 * 1024), momentum: <<>>, inverse_mass: <<>>, step_size: <<>>}
    request = Protocol.chain(model.id, operands, [], %{})
    refused(Client.request(link, model.session, Client.deadline(link, []), request), [limits.inline_chain_bytes])
    unharmed(name, kept)
  end

  test "a sync of a million tensors, and a million that are let go at once", %{gpu: name, kept: kept, limits: limits} do
    {:ok, link} = Link.fetch(name)
    ids = List.duplicate(kept.id, limits.max_ids + 1)
    request = Protocol.sync(ids)
    refused(Client.request(link, kept.session, Client.deadline(link, []), request), [limits.max_ids])
    gone = Enum.to_list(1_000_000_000..1_001_500_000)
    send(link.pid, {:gpu_node_released, gone})
    assert {:ok, _} = GpuNode.sync(name)
    {:ok, %{counters: counters}} = GpuNode.stats(name)
    assert counters.unknown_frees >= length(gone)
    unharmed(name, kept)
  end

  test "a tensor of more bytes than can be counted is an error of the read", %{gpu: name, kept: kept} do
    {:ok, huge} = GpuNode.zeros(name, :f64, {Bitwise.bsl(1, 61)})
    assert {:error, %{code: code}} = Tensor.to_binary(huge)
    assert code in [:invalid_argument, :out_of_memory, :unsupported]
    unharmed(name, kept)
  end

  test "numbers of any size are numbers of their type", %{gpu: name, kept: kept} do
    huge = Bitwise.bsl(1, 1_000_000)
    assert Tensor.to_list!(Ops.add(kept, huge)) == [:infinity, :infinity]
    assert Tensor.to_list!(Ops.add(kept, -huge)) == [:neg_infinity, :neg_infinity]
    assert Tensor.to_list!(Ops.multiply(kept, {{:f, 64}, Bitwise.bsl(1, 70)})) == [:math.pow(2, 70), :math.pow(2, 71)]
    unharmed(name, kept)
  end

  test "past the client: a message that is too large is answered, one that is too deep poisons its results", context do
    %{gpu: name, kept: kept, limits: limits} = context
    %{node: node, session: session} = status!(name)

    for request <- [{:compile_glsl, session, :binary.copy(<<0>>, @large), %{}}, {:no_such, :binary.copy(<<0>>, @large)}] do
      assert {:error, {:invalid_argument, text}} = GenServer.call({:gpu_node, node}, request, 20_000)
      assert text =~ "#{elem(request, 0)}: a message of" and text =~ "#{limits.max_message_bytes}"
    end

    deep = Enum.reduce(1..1000, 1, fn _, term -> {term} end)
    {:ok, link} = Link.fetch(name)
    # Another's op in the same message comes to no harm.
    [id, after_it] = for _ <- 1..2, do: Link.next_id(link)
    :ok = Client.command(link, session, {:add, [{id, :f32, {2}}], [kept.id, kept.id], %{axes: deep}}, 0)
    :ok = Client.command(link, session, {:add, [{after_it, :f32, {2}}], [kept.id, kept.id], %{}}, 0)
    good = Tensor.new(link, session, after_it, {:f, 32}, {2})
    assert Tensor.to_list!(good) == [2.0, 4.0]
    bad = Tensor.new(link, session, id, {:f, 32}, {2})
    assert {:error, %Error{code: :invalid_argument}} = Tensor.to_list(bad)
    unharmed(name, kept)
  end

  test "commands that are too large end their session alone", %{gpu: name, kept: kept} do
    %{node: node} = status!(name)
    {:ok, %{session: other}} = GenServer.call({:gpu_node, node}, {:open, self(), %{}})
    send({:gpu_node, node}, {:run, other, 1, [{:alloc, 1, :u8, {@large}, :binary.copy(<<0>>, @large)}]})
    ended = fn -> match?({:error, _}, GenServer.call({:gpu_node, node}, {:heartbeat, other})) end
    eventually(5000, ended)
    unharmed(name, kept)
  end
end
