#!/usr/bin/env escript
%%! -kernel inet_dist_use_interface {127,0,0,1}
%% A real BEAM against test/system/dist/echo_node.cpp: escript smoke.escript ECHO_NODE [OTHER_ARGS]. Uses an epmd of its
%% own (ERL_EPMD_PORT), which the echo node starts. Prints one line for each check; the status is 1 when one failed.
-mode(compile).

main([Echo]) ->
    process_flag(trap_exit, true),
    {Port, Ports} = start(Echo, "smoke_gpu", "yes"),
    {ok, _} = net_kernel:start(['smoke@127.0.0.1', longnames]),
    erlang:set_cookie(node(), smoke_cookie),
    Node = 'smoke_gpu@127.0.0.1', Bulk = 'smoke_gpu_bulk@127.0.0.1',
    check("ping control and bulk", fun() -> {pong, pong} = {net_adm:ping(Node), net_adm:ping(Bulk)} end),
    check("hidden", fun() -> [] = nodes(), 2 = length(nodes(hidden)) end),
    check("call echoes any term", fun() -> echo(Node) end),
    check("1,000 calls", fun() -> timed(1000, fun() -> {ok, x} = gen_server:call({gpu_node, Node}, x) end) end),
    check("a call to nobody does not wait", fun() -> nobody(Node) end),
    check("rpc, erpc, spawn, link, exit do no harm", fun() -> harmless(Node) end),
    check("a name is taken", fun() -> taken(Echo) end),
    check("1,000 chunks of 1 MiB under small traffic", fun() -> chunks(Node, Bulk, chunk, 1000) end),
    check("4,000 chunks, not compared", fun() -> chunks(Node, Bulk, sink, 4000) end),
    check("odd sizes", fun() -> [ok = upload(Bulk, chunk, S, pattern(S, S)) || S <- [0, 1, 2, 100, 511, 512, 513, 5000, 70001]] end),
    check("downloads", fun() -> downloads(Node) end),
    check("a dead process is seen", fun() -> dies(Node) end),
    check("disconnect and come again", fun() -> [again(N) || N <- [Node, Bulk]] end),
    check("200 peers that drip delay nobody", fun() -> drip(Ports) end),
    check("32 descriptors, 500 connections", fun() -> few_descriptors(Echo) end),
    check("epmd forgets, the node registers again", fun() -> epmd_again() end),
    check("stopping tells who monitors", fun() -> stops(Port, Node) end),
    halt(case get(failed) of undefined -> 0; _ -> 1 end).

start(Echo, Name, Epmd) -> start(Echo, [Name, "127.0.0.1", Epmd]).

start(Program, Args) ->
    Port = open_port({spawn_executable, Program},
                     [{args, Args}, {line, 1000}, binary, exit_status, {env, [{"GPU_NODE_COOKIE", "smoke_cookie"}]}]),
    receive
        {Port, {data, {eol, <<"ready ", Ports/binary>>}}} -> {Port, [binary_to_integer(P) || P <- binary:split(Ports, <<" ">>)]};
        {Port, {data, {eol, Line}}} -> {Port, Line}
    after 10000 -> halt(2)
    end.

check(What, Fun) ->
    Start = erlang:monotonic_time(millisecond),
    try
        Note = Fun(),
        io:format("ok   ~s (~p ms)~s~n", [What, erlang:monotonic_time(millisecond) - Start, note(Note)])
    catch Class:Reason:Stack ->
        put(failed, true),
        io:format("FAIL ~s: ~p ~P~n     ~P~n", [What, Class, Reason, 20, Stack, 15])
    end,
    drop_messages().

drop_messages() -> receive _ -> drop_messages() after 0 -> ok end.

note({note, Text}) -> [" ", Text];
note(_) -> "".

timed(N, Fun) ->
    Times = lists:sort([begin {T, _} = timer:tc(Fun), T end || _ <- lists:seq(1, N)]),
    {note, io_lib:format("p50 ~p us, p99 ~p us", [lists:nth(N div 2, Times), lists:nth(N * 99 div 100, Times)])}.

echo(Node) ->
    [{ok, T} = gen_server:call({gpu_node, Node}, T)
     || T <- [a, 1, -1, 1 bsl 70, 1.5, "text", [1, 2, 300], [a | b], <<"bin">>, <<1:3>>, #{a => [1, {b, c}]}, self(), make_ref(),
              fun erlang:length/1, {}, {x, binary:copy(<<7>>, 100000)}, lists:seq(1, 100000)]].

nobody(Node) ->
    Answer = (catch gen_server:call({no_such_name, Node}, hello, 2000)),
    case Answer of
        {error, {not_found, _}} -> ok;
        {'EXIT', {noproc, _}} -> ok
    end,
    Ref = monitor(process, {no_such_name, Node}),
    receive {'DOWN', Ref, process, _, noproc} -> ok after 2000 -> error(no_down) end.

harmless(Node) ->
    {badrpc, _} = rpc:call(Node, erlang, node, [], 2000),
    {'EXIT', _} = (catch erpc:call(Node, erlang, node, [], 2000)),
    Pid = spawn(Node, erlang, node, []),
    catch link(Pid), catch exit(Pid, kill), catch unlink(Pid), catch group_leader(self(), Pid),
    Fake = binary_to_term(<<131, 88, 119, 19, "smoke_gpu@127.0.0.1", 55:32, 0:32, 77:32>>),
    spawn(fun() -> process_flag(trap_exit, true), link(Fake), unlink(Fake), link(Fake), exit(Fake, kill), monitor(process, Fake), Fake ! hi, group_leader(self(), Fake) end),
    link(Fake),
    receive {'EXIT', Fake, noproc} -> ok after 2000 -> error(no_exit) end,
    [{no_such_name, Node} ! M || M <- [hello, {'$gen_cast', x}, {'$gen_call', x}]],
    Alias = monitor(process, {gpu_node, Node}, [{alias, reply_demonitor}]), demonitor(Alias, [flush]),
    pong = net_adm:ping(Node).

taken(Echo) ->
    {_, <<"error ", Text/binary>>} = start(Echo, "smoke_gpu", "yes"),
    {_, _} = binary:match(Text, <<"taken">>),
    {note, Text}.

pattern(Seq, Size) ->
    Cycle = list_to_binary([I rem 251 || I <- lists:seq(Seq rem 251, Seq rem 251 + 250)]),
    binary:part(binary:copy(Cycle, Size div 251 + 1), 0, Size).

upload(Bulk, Kind, Seq, Bytes) ->
    Ref = make_ref(),
    {gpu_node, Bulk} ! {Kind, {self(), Ref}, Seq, Bytes},
    receive {Ref, Answer} -> Answer after 10000 -> timeout end.

chunks(Node, Bulk, Kind, N) ->
    Patterns = list_to_tuple([pattern(S, 1 bsl 20) || S <- lists:seq(0, 250)]),
    Me = self(),
    Pinger = spawn_link(fun() -> pinger(Me, Node, []) end),
    Start = erlang:monotonic_time(microsecond),
    ok = window(Bulk, Kind, Patterns, 0, N, 0),
    Spent = erlang:monotonic_time(microsecond) - Start,
    Pinger ! stop,
    receive {pings, Times} -> ok end,
    Sorted = lists:sort(Times), Count = length(Sorted),
    {note, io_lib:format("~.2f GB/s; ~p calls beside it: p50 ~p us, p99 ~p us, max ~p us",
                         [N * 1048576 / Spent / 1000, Count, lists:nth(max(1, Count div 2), Sorted), lists:nth(max(1, Count * 99 div 100), Sorted), lists:last(Sorted)])}.

window(_, _, _, N, N, 0) -> ok;
window(Bulk, Kind, Patterns, Sent, N, Waiting) when Sent < N, Waiting < 4 ->
    {gpu_node, Bulk} ! {Kind, {self(), chunk_tag}, Sent, element(Sent rem 251 + 1, Patterns)},
    window(Bulk, Kind, Patterns, Sent + 1, N, Waiting + 1);
window(Bulk, Kind, Patterns, Sent, N, Waiting) ->
    receive {chunk_tag, ok} -> window(Bulk, Kind, Patterns, Sent, N, Waiting - 1);
            {chunk_tag, Other} -> {error, Other}
    after 10000 -> timeout end.

pinger(To, Node, Times) ->
    receive stop -> To ! {pings, Times}, unlink(To)
    after 2 ->
        {T, {ok, x}} = timer:tc(fun() -> gen_server:call({gpu_node, Node}, x) end),
        pinger(To, Node, [T | Times])
    end.

downloads(Node) ->
    Sizes = [0, 1, 65536, 1 bsl 20, 1 bsl 20, 64 bsl 20, 64 bsl 20, 256 bsl 20, 256 bsl 20],
    Rates = [begin
                 Start = erlang:monotonic_time(microsecond),
                 {Bytes, 'end'} = gen_server:call({gpu_node, Node}, {pull, Size}, 30000),
                 Spent = erlang:monotonic_time(microsecond) - Start,
                 true = Bytes =:= pattern(0, Size),
                 io_lib:format("~p B ~p us;", [Size, Spent])
             end || Size <- Sizes],
    {note, Rates}.

dies(Node) ->
    Before = gen_server:call({gpu_node, Node}, dead),
    Pids = [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, 3)],
    [ok = gen_server:call({gpu_node, Node}, {monitor, P}) || P <- Pids ++ Pids],
    {ok, _} = gen_server:call({gpu_node, Node}, x),
    Before = gen_server:call({gpu_node, Node}, dead),
    exit(hd(Pids), kill), hd(tl(Pids)) ! stop,
    wait(fun() -> gen_server:call({gpu_node, Node}, dead) =:= Before + 2 end),
    Gone = spawn(fun() -> ok end), timer:sleep(20),
    ok = gen_server:call({gpu_node, Node}, {monitor, Gone}),
    wait(fun() -> gen_server:call({gpu_node, Node}, dead) =:= Before + 3 end).

again(Node) -> true = erlang:disconnect_node(Node), pong = net_adm:ping(Node).

drip([Port, _]) ->
    Sockets = [connect(Port) || _ <- lists:seq(1, 200)],
    [gen_tcp:send(S, <<0>>) || {ok, S} <- Sockets],
    true = erlang:disconnect_node('smoke_gpu@127.0.0.1'),
    {Spent, pong} = timer:tc(fun() -> net_adm:ping('smoke_gpu@127.0.0.1') end),
    [gen_tcp:send(S, <<22>>) || {ok, S} <- Sockets],
    [gen_tcp:close(S) || {ok, S} <- Sockets],
    true = Spent < 1000000,
    {note, io_lib:format("handshake and ping in ~p ms", [Spent div 1000])}.

few_descriptors(Echo) ->
    {Port, [Control, _]} = start("/bin/sh", ["-c", "ulimit -n 32; exec " ++ Echo ++ " smoke_small 127.0.0.1 yes"]),
    Node = 'smoke_small@127.0.0.1',
    pong = net_adm:ping(Node),
    Sockets = [connect(Control) || _ <- lists:seq(1, 500)],
    {ok, x} = gen_server:call({gpu_node, Node}, x),
    [gen_tcp:close(S) || {ok, S} <- Sockets],
    wait(fun() -> net_adm:ping('smoke_small_bulk@127.0.0.1') =:= pong end),
    {ok, x} = gen_server:call({gpu_node, Node}, x),
    port_close(Port).

connect(Port) -> gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}], 2000).

epmd_again() ->
    %% epmd ends itself only while no node is registered.
    os:cmd("kill -9 $(ss -Hltnp sport = :$ERL_EPMD_PORT | grep -o 'pid=[0-9]*' | head -n 1 | cut -d= -f2)"),
    wait(fun() -> element(1, erl_epmd:names({127, 0, 0, 1})) =/= ok end),
    Start = erlang:monotonic_time(millisecond),
    wait(fun() ->
             case erl_epmd:names({127, 0, 0, 1}) of
                 {ok, Names} -> lists:keymember("smoke_gpu", 1, Names) andalso lists:keymember("smoke_gpu_bulk", 1, Names);
                 _ -> false
             end
         end),
    {note, io_lib:format("after ~p ms", [erlang:monotonic_time(millisecond) - Start])}.

stops(Port, Node) ->
    Ref = monitor(process, {gpu_node, Node}),
    {ok, x} = gen_server:call({gpu_node, Node}, x),
    port_close(Port),
    receive {'DOWN', Ref, process, _, shutdown} -> ok after 3000 -> error(no_down) end.

wait(Fun) -> wait(Fun, 100).
wait(_, 0) -> error(waited_in_vain);
wait(Fun, N) -> case Fun() of true -> ok; _ -> timer:sleep(50), wait(Fun, N - 1) end.
