defmodule GpuNode.AttachmentsTest do
  # The leases on tensors of other VMs; this process plays the session and the node behind it.
  use ExUnit.Case, async: true
  alias GpuNode.{Attachments, Error, Link, Tensor}

  @session 5
  @maker 9

  setup context do
    given = [node: :gpu@nowhere, attached_ms: Map.get(context, :attached_ms, 60_000), finalizer: :sweep, timeout: 1000]
    {:ok, options} = GpuNode.Supervisor.check(given)
    name = :"attachments_#{System.unique_integer([:positive])}"
    start_supervised!({Attachments, Keyword.put(options, :name, name)})
    processes = %{session: self(), attachments: Attachments.join(name), pressure: self(), tasks: self()}
    link = Link.new(name, :gpu@nowhere, processes, options)
    Link.put(link, :incarnation, 7)
    Link.put(link, :session, @session)
    {:ok, link: link, tensor: tensor(1)}
  end

  defp tensor(id, changes \\ []) do
    fields = [node: :gpu@nowhere, incarnation: 7, session: @maker, id: id, type: {:f, 32}, shape: {2}, ref: make_ref()]
    struct!(Tensor, Keyword.merge(fields, changes))
  end

  # A process that uses |tensor| when told so, and says what came of it.
  defp user(link, tensor, timeout \\ 1000) do
    test = self()
    pid = spawn_link(fn -> use_when_told(link, tensor, timeout, test) end)
    Process.unlink(pid)
    pid
  end

  defp use_when_told(link, tensor, timeout, test) do
    receive do: (:go -> :ok)
    deadline = System.monotonic_time(:millisecond) + timeout
    send(test, {self(), Attachments.locate(link, tensor, deadline)})
    use_when_told(link, tensor, timeout, test)
  end

  defp go(pid) do
    send(pid, :go)
    pid
  end

  # The node answers one attach with |reply|.
  defp attach(reply) do
    assert_receive {:gpu_node_request, ref, @session, _deadline, {:attach, id, @maker, _}, :caller}, 500
    send(ref, {ref, reply})
    id
  end

  defp located(pid) do
    assert_receive {^pid, result}, 500
    result
  end

  test "a tensor of the present session is itself, without a look", %{link: link} do
    assert Attachments.locate(%{link | attachments: nil}, tensor(3, session: @session), 0) == {:ok, @session, 3}
  end

  test "many processes, one request; later uses ask nobody", %{link: link, tensor: tensor} do
    users = for _ <- 1..10, do: go(user(link, tensor))
    id = attach(:ok)
    for pid <- users, do: assert(located(pid) == {:ok, @session, id})
    :sys.suspend(elem(link.attachments, 0))
    for pid <- users, do: assert(located(go(pid)) == {:ok, @session, id})
    refute_received {:gpu_node_request, _, _, _, _, _}
  end

  test "goes when the last process that used it is dead", %{link: link, tensor: tensor} do
    [one, two] = for _ <- 1..2, do: user(link, tensor)
    go(one)
    id = attach(:ok)
    located(one)
    located(go(two))
    Process.exit(one, :kill)
    refute_receive {:gpu_node_free, _}, 50
    Process.exit(two, :kill)
    assert_receive {:gpu_node_free, ^id}, 500
    go(user(link, tensor))
    assert attach(:ok) != id
  end

  @tag attached_ms: 60
  test "is let go of when nobody uses it, not while somebody waits for an answer", %{link: link, tensor: tensor} do
    pid = go(user(link, tensor))
    id = attach(:ok)
    located(pid)

    for _ <- 1..10 do
      Process.sleep(20)
      assert located(go(pid)) == {:ok, @session, id}
    end

    assert_receive {:gpu_node_released, [^id]}, 500
    go(pid)
    again = attach(:ok)
    located(pid)
    other = tensor(2)

    spawn_link(fn ->
      deadline = System.monotonic_time(:millisecond) + 1000
      {:ok, @session, _} = Attachments.locate(link, other, deadline)
      Attachments.holding(link, other, @session, fn -> Process.sleep(:infinity) end)
    end)

    held = attach(:ok)
    assert_receive {:gpu_node_released, [^again]}, 500
    refute_receive {:gpu_node_released, [^held]}, 150
  end

  test "not found: the maker is asked, and then it is said what to do", %{link: link, tensor: tensor} do
    pid = go(user(link, tensor))
    attach({:error, {:not_found, "no"}})
    attach({:error, {:not_found, "no"}})
    assert {:error, %Error{code: :not_found, message: text}} = located(pid)
    assert text =~ "Tensor.attach/2" and text =~ "#{node()} could not be asked"
    go(pid)
    attach({:error, {:not_found, "no"}})
    id = attach(:ok)
    assert located(pid) == {:ok, @session, id}
  end

  test "an error reaches all who wait, and is not remembered", %{link: link, tensor: tensor} do
    users = for _ <- 1..3, do: go(user(link, tensor))
    Process.sleep(20)
    attach({:error, {:stale, "gone"}})
    for pid <- users, do: assert({:error, %Error{code: :stale}} = located(pid))
    go(hd(users))
    id = attach(:ok)
    assert located(hd(users)) == {:ok, @session, id}
  end

  test "one who dies or runs out of time while it attaches leaves nothing, and the next does it", context do
    %{link: link, tensor: tensor} = context
    late = go(user(link, tensor, 80))
    assert_receive {:gpu_node_request, _, _, _, {:attach, first, _, _}, _}
    [dying, last] = for _ <- 1..2, do: go(user(link, tensor))
    assert {:error, %Error{code: :deadline}} = located(late)
    assert_receive {:gpu_node_free, ^first}
    assert_receive {:gpu_node_request, _, _, _, {:attach, second, _, _}, _}
    # Whichever of the two it is.
    monitors = link.attachments |> elem(0) |> :sys.get_state() |> Map.fetch!(:leases) |> Map.values()
    [%{maker: {maker, _}}] = monitors
    Process.exit(maker, :kill)
    assert_receive {:gpu_node_free, ^second}
    id = attach(:ok)
    [left] = [dying, last] -- [maker]
    assert located(left) == {:ok, @session, id}
  end

  test "free drops what is here", %{link: link, tensor: tensor} do
    assert Attachments.drop(link, @session, tensor) == :already
    pid = go(user(link, tensor))
    id = attach(:ok)
    located(pid)
    assert Attachments.drop(link, @session, tensor) == :ok
    assert_receive {:gpu_node_free, ^id}
    assert Attachments.drop(link, @session, tensor) == :already
    go(pid)
    assert attach(:ok) != id
  end

  test "a session that is gone takes all with it", %{link: link, tensor: tensor} do
    pid = go(user(link, tensor))
    attach(:ok)
    located(pid)
    Attachments.clear(link.attachments, Error.new(:node_down, "gone"))
    assert %{leases: leases, users: users} = :sys.get_state(elem(link.attachments, 0))
    assert {leases, users} == {%{}, %{}}
    assert :ets.info(elem(link.attachments, 1), :size) == 0
    go(pid)
    id = attach(:ok)
    assert located(pid) == {:ok, @session, id}
  end

  test "what cannot be attached is refused here", %{link: link} do
    deadline = System.monotonic_time(:millisecond) + 1000

    assert {:error, %Error{code: :stale, message: text}} = Attachments.locate(link, tensor(1, incarnation: 6), deadline)
    assert text =~ "incarnation 6"
    assert {:error, %Error{code: :invalid_argument}} = Attachments.locate(link, tensor(1, node: :other@host), deadline)
  end
end
