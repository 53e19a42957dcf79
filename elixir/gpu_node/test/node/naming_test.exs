defmodule GpuNode.NamingTest do
  # What a node is called: here by its name, in the cluster by one that no other VM wants, or by one that others can find.
  use GpuNode.NodeCase, async: false

  @moduletag :truth

  test "two VMs of one application have a node each under one name, and each keeps its own", %{gpu: name} do
    {peer, _node} = start_peer()
    assert {:ok, _} = :peer.call(peer, GpuNode.NodeCase, :attach, [[name: name] ++ device()], 60_000)
    {:ok, %{node: other}} = :peer.call(peer, GpuNode, :status, [name])
    %{node: own, restarts: restarts, os_pid: os_pid} = status!(name)
    [[own_suffix], [other_suffix]] = for node <- [own, other], do: suffix(node, name)
    assert own_suffix != other_suffix
    assert :peer.call(peer, GpuNode.NodeCase, :compute, [name], 60_000) == [2.0, 4.0]

    signal_pid(os_pid, "KILL")
    eventually(10_000, fn -> match?(%{state: :up, os_pid: new} when new != os_pid, status!(name)) end)
    assert %{node: ^own} = status!(name)
    assert status!(name).restarts > restarts

    # Another of this VM has the same suffix: no start makes a new atom.
    second = unique()
    start_supervised!({GpuNode, [name: second] ++ device()}, id: second)
    assert suffix(status!(second).node, second) == [own_suffix]
    assert status!(second).node == GpuNode.Distribution.own_node(second, false)
  end

  defp suffix(node, name),
    do: Regex.run(~r/^#{name}-([a-z2-7]{6})@127\.0\.0\.1$/, Atom.to_string(node), capture: :all_but_first)

  test "a node that is shared has its name alone; taken, the error says both ways out" do
    name = unique()
    cookie = :"c#{GpuNode.Distribution.random(10)}"
    start_supervised!({GpuNode, [name: name, shared: true, cookie: cookie] ++ device()}, id: name)
    node = :"#{name}@127.0.0.1"
    assert status!(name).node == node

    {peer, _node} = start_peer()

    assert {:error, %Error{code: :name_taken, message: text}} =
             :peer.call(peer, GpuNode, :start_link, [[name: name, shared: true] ++ device()], 60_000)

    assert text =~ "another node is called #{node}" and text =~ "`node:`" and text =~ "`name:`" and text =~ "`shared:`"
    assert {:ok, _} = :peer.call(peer, GpuNode.NodeCase, :attach, [[node: node, cookie: cookie]], 60_000)
    assert :peer.call(peer, GpuNode.NodeCase, :compute, [node], 60_000) == [2.0, 4.0]
  end

  test "a name that no node can have is refused here" do
    for wrong <- [:gpu@host, :"a b", :"", :"#{String.duplicate("g", 101)}"] do
      assert {:error, %Error{code: :invalid_argument, message: text}} = GpuNode.start_link(name: wrong)
      assert text =~ inspect(wrong) and text =~ "letters, digits"
    end
  end
end
