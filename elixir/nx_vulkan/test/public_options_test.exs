defmodule Nx.Vulkan.PublicOptionsTest do
  # That the package's functions, the backend, its configuration and the doctor's task know their options.
  use Nx.Vulkan.Test.Case, async: false
  alias GpuNode.Error
  alias Nx.Vulkan.{Config, Doctor, Fallback}

  @moduletag :truth

  defp error(fun) do
    other = fun.()
    flunk("it gave #{inspect(other)}")
  rescue
    error in [Error, ArgumentError, Mix.Error] -> Exception.message(error)
  end

  test "every public function whose last argument is a keyword list is one of those here" do
    {:ok, modules} = :application.get_key(:nx_vulkan, :modules)

    found =
      for module <- modules,
          # Names of earlier versions have what they had.
          not (to_string(module.module_info(:compile)[:source]) =~ "earlier_names"),
          {:docs_v1, _, _, _, %{"en" => _}, _, docs} <- [Code.fetch_docs(module)],
          {:ok, specs} <- [Code.Typespec.fetch_specs(module)],
          {{:function, name, arity}, _, _, %{"en" => _}, _} <- docs,
          {{^name, ^arity}, [spec | _]} <- specs,
          keyword?(spec),
          do: {module, name, arity}

    assert Enum.sort(found) == [
             {Nx.Vulkan, :explain, 3},
             {Nx.Vulkan.Chain, :family, 2},
             {Nx.Vulkan.Chain, :from_defn, 2},
             {Nx.Vulkan.Chain, :from_defn!, 2},
             {Doctor, :run, 1}
           ]
  end

  defp keyword?({:type, _, :fun, [{:type, _, :product, arguments}, _result]}),
    do: match?({:remote_type, _, [{:atom, _, :elixir}, {:atom, _, :keyword}, []]}, List.last(arguments))

  defp keyword?(_bounded), do: false

  test "explain" do
    explain = &error(fn -> Nx.Vulkan.explain(fn x -> x end, [1], &1) end)
    assert explain.(bogus: 1) =~ "unknown option :bogus; the options are :node, :fuse, :glsl, :hooks"
    assert explain.(glsl: 1) =~ "the option :glsl is"
    assert error(fn -> Nx.Vulkan.explain(fn x -> x end, [1, 2]) end) =~ "the argument fun is a function of 2 arguments"
  end

  test "log densities in defn" do
    density = &Nx.negate(Nx.pow(&1.x, 2))

    for call <- [&Nx.Vulkan.Chain.family/2, &Nx.Vulkan.Chain.from_defn/2] do
      message = fn options -> call.(density, options) |> elem(1) |> Exception.message() end

      assert message.(variables: [x: :real], bogus: 1) =~
               "unknown option :bogus; the options are :variables, :data, :name"

      assert message.(data: []) =~ "the option :variables is missing"
      assert message.(variables: [x: :real], name: :normal) =~ "the option :name is a string, got :normal"

      assert message.(variables: [x: [shape: {}, shape: {}]]) =~
               "variable :x: the option :shape is given more than once"

      assert message.(variables: [x: :real], data: 5) =~ "the option :data is "
    end

    assert error(fn -> Nx.Vulkan.Chain.from_defn!(density, variables: [x: :real], type: :bf16) end) =~
             "the option :type is "

    assert error(fn -> Nx.Vulkan.Chain.from_defn!(density, variables: [x: :real], chains: 0) end) =~
             "the option :chains is "

    assert error(fn -> Nx.Vulkan.Chain.from_defn!(density, variables: [x: :real], timeout: -1) end) =~
             "the option :timeout is "
  end

  test "the doctor" do
    assert error(fn -> Doctor.run(bogus: 1) end) =~
             "unknown option :bogus; the options are :node, :cookie, :nodes, :report"

    assert error(fn -> Doctor.run(node: :a, node: :b) end) =~ "the option :node is given more than once"

    assert error(fn -> Doctor.run(nodes: [:gpu0]) end) =~
             "the option :nodes is a list of options of GpuNode.start_link/1"

    assert error(fn -> Doctor.run(report: 5) end) =~ "the option :report is a function of 1 argument, got 5"
  end

  test "the doctor's task" do
    run = &error(fn -> Mix.Tasks.NxVulkan.Doctor.run(&1) end)
    assert run.(["--bogus"]) =~ "--bogus: not understood; the options are --node, --cookie-file, --verbose"
    assert run.(["gpu0"]) =~ "gpu0: not understood; the options are "
    assert run.(["--node", "a@b", "--node", "c@d"]) =~ "--node is given more than once"
    assert run.(["--verbose", "--node"]) =~ "--node: not understood"
  end

  test "the backend" do
    wrong = fn options, message ->
      for call <- [
            &Nx.default_backend({Nx.Vulkan.Backend, &1}),
            &Nx.tensor(1, backend: {Nx.Vulkan.Backend, &1}),
            &Nx.iota({2}, backend: {Nx.Vulkan.Backend, &1}),
            &Nx.eye(2, backend: {Nx.Vulkan.Backend, &1}),
            &Nx.from_binary(<<0::32>>, :f32, backend: {Nx.Vulkan.Backend, &1}),
            &Nx.backend_copy(Nx.tensor(1, backend: Nx.BinaryBackend), {Nx.Vulkan.Backend, &1}),
            &Nx.backend_transfer(Nx.tensor(1), {Nx.Vulkan.Backend, &1}),
            &Nx.from_pointer({Nx.Vulkan.Backend, &1}, %Nx.Pointer{kind: :ipc, handle: "a"}, :f32, {1})
          ] do
        assert error(fn -> call.(options) end) =~ message
      end
    end

    wrong.([bogus: 1], "Nx.Vulkan.Backend: unknown option :bogus; the options are :node")
    wrong.([node: :a, node: :b], "the option :node is given more than once")
    wrong.([node: "gpu0"], "the option :node is the name of a GPU node")
    wrong.([node: []], "the option :node is the name of a GPU node")
  end

  test "pointers" do
    tensor = Nx.iota({2})

    assert error(fn -> Nx.to_pointer(tensor, bogus: 1) end) =~
             "unknown option :bogus; the options are :mode, :permissions"

    assert error(fn -> Nx.to_pointer(tensor, mode: :remote) end) =~ "the option :mode is :local or :ipc, got :remote"

    assert error(fn -> Nx.to_pointer(tensor, mode: :ipc, permissions: "r") end) =~
             "the option :permissions is an integer"
  end

  test "a misspelt value of the configuration is no default" do
    with_env(:fallback, :rase, fn ->
      message = "config :nx_vulkan: the option :fallback is :warn or :count or :raise, got :rase"
      Fallback.reset()

      assert error(fn -> Nx.window_reduce(Nx.iota({4}), 0, {2}, fn a, b -> Nx.add(Nx.sum(Nx.stack([a])), b) end) end) =~
               message

      assert Fallback.counts() == %{}
      assert {:error, %Error{code: :invalid_argument, message: ^message}} = Config.check()
    end)

    with_env(:fold_constants, 1, fn -> assert error(fn -> Nx.tensor(1) end) =~ ":fold_constants is true or false" end)
    inspected = fn -> inspect(Nx.tensor(1)) end
    with_env(:add_backend_on_inspect, "no", fn -> assert inspected.() =~ ":add_backend_on_inspect is true or false" end)
  end

  test "an application whose configuration has an unknown key, or a wrong value, does not start" do
    start = fn -> Nx.Vulkan.Application.start(:normal, []) end

    for {key, value, message} <- [
          {:fallbak, :raise, "config :nx_vulkan: unknown option :fallbak; the options are :nodes, :fallback, "},
          {:nodes, [:gpu0], "the option :nodes is a list of options of GpuNode.start_link/1, got [:gpu0]"},
          {:nodes, [[nme: :gpu0]], "nodes: number 1: a local node: unknown option :nme; the options are :name, "},
          {:nodes, [[], [node: :gpu0@b, device: 1]], "nodes: number 2: a remote node: unknown option :device; "},
          {:nodes, [[], [name: :a], [binary: "b"]],
           "nodes: numbers 1 and 3 all have name: :gpu0 (:gpu0, or the node's"},
          {:nodes, [[name: :a, node: :gpu0@b], [name: :a]], "nodes: numbers 1 and 2 all have name: :a"},
          {:nodes, [[name: :a, node: :gpu0@b], [name: :c, node: :gpu0@b]],
           "all have node: :gpu0@b; each needs one of its own"},
          {:node_timeout_ms, 0, "the option :node_timeout_ms is an integer from 1 to 4294967295 or :infinity, got 0"}
        ] do
      with_env(key, value, fn ->
        assert error(start) =~ message
        assert error(fn -> Mix.Tasks.NxVulkan.Doctor.run([]) end) =~ message
      end)
    end

    Application.put_env(:gpu_node, :default, :gpu0)

    assert error(fn -> GpuNode.Application.start(:normal, []) end) =~
             "config :gpu_node: unknown option :default; the options are"

    assert {:error, %Error{message: "config :gpu_node: unknown option :default" <> _}} = GpuNode.Shader.default_node()
  after
    Application.delete_env(:gpu_node, :default)
  end

  test "the page has every key of the configuration" do
    page = File.read!("README.md")
    for key <- Config.keys(), do: assert(page =~ "| `#{key}:` |")
  end
end
