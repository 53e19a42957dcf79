#!/usr/bin/env escript
%% Writes the vectors of the external term format that test/unit/etf_*.cpp read:
%%   escript test/vectors/etf.escript > test/vectors/etf.txt
%% One term a line: FORM KIND VALUE HEX. FORM is "canonical" when our encoder must give the very same bytes, else "other".
%% VALUE is what the reader must find: an integer, the bits of a float, an atom's bytes in hex, a count; "-" where the
%% kind says all. HEX starts with the version byte.
-mode(compile).

main(_) ->
    io:put_chars("# Written by etf.escript with a real Erlang: FORM KIND VALUE HEX\n"),
    [integer(I) || I <- integers()],
    [double(F) || F <- [0.0, -0.0, 1.0, -1.5, 0.1, 3.141592653589793, 1.7976931348623157e308, 5.0e-324, -2.2250738585072014e-308]],
    line(other, float, "-", term_to_binary(1.5, [{minor_version, 0}])),
    atoms(), tuples(), lists(), maps(), binaries(), identifiers(), funs(), nested().

integers() ->
    Edges = [0, 1, 127, 128, 255, 256, 65535, 65536, 1 bsl 24, 1 bsl 27, 1 bsl 28, 1 bsl 31, 1 bsl 32, 1 bsl 40, 1 bsl 48,
             1 bsl 56, 1 bsl 59, 1 bsl 60, 1 bsl 62, 1 bsl 63, 1 bsl 64],
    lists:usort(lists:flatten([[E - 1, E, E + 1, -E - 1, -E, 1 - E] || E <- Edges]))
        ++ [1 bsl 100, -(1 bsl 100), 1 bsl 2039, 1 bsl 2040, -(1 bsl 4000)].

integer(I) ->
    Form = case I >= -(1 bsl 63) andalso I < (1 bsl 64) of true -> canonical; false -> other end,
    line(Form, integer, integer_to_list(I), term_to_binary(I)).

double(F) ->
    <<Bits:64>> = <<F:64/float>>,
    line(canonical, float, integer_to_list(Bits), term_to_binary(F)).

atoms() ->
    Long = unicode:characters_to_binary(lists:duplicate(255, 16#20AC)),
    [line(canonical, atom, hex(A), <<131, 119, (byte_size(A)), A/binary>>)
     || A <- [<<>>, <<"ok">>, <<"true">>, <<"false">>, <<"gpu0@host">>, <<"é€"/utf8>>, binary:copy(<<"a">>, 255)],
        is_atom(binary_to_term(<<131, 119, (byte_size(A)), A/binary>>))],
    line(canonical, atom, hex(Long), term_to_binary(binary_to_atom(Long, utf8))),
    [line(other, atom, hex(A), checked(<<131, 100, (byte_size(A)):16, A/binary>>)) || A <- [<<>>, <<"ok">>, <<"caf", 233>>]],
    [line(other, atom, hex(A), checked(<<131, 115, (byte_size(A)), A/binary>>)) || A <- [<<>>, <<"ok">>, <<"caf", 233>>]],
    [line(other, atom, hex(A), checked(<<131, 118, (byte_size(A)):16, A/binary>>)) || A <- [<<>>, <<"ok">>, <<"é€"/utf8>>]].

tuples() ->
    [line(canonical, tuple, integer_to_list(N), term_to_binary(list_to_tuple(lists:seq(1, N)))) || N <- [0, 1, 2, 255, 256, 1000]],
    line(other, tuple, "2", checked(<<131, 105, 2:32, 97, 1, 97, 2>>)).

lists() ->
    line(canonical, nil, "-", term_to_binary([])),
    [line(canonical, list, integer_to_list(length(L)), term_to_binary(L))
     || L <- [[a], [300], [1, 2, 256], [-1], [1.0, 2], [[]], [[], []], [[[a]]], lists:seq(0, 1000)]],
    [line(other, string, integer_to_list(length(L)), term_to_binary(L))
     || L <- [[0], [1, 2], lists:seq(0, 255), "hello", lists:duplicate(3000, $x)]],
    line(other, list, "0", checked(<<131, 108, 0:32, 106>>)),
    [line(other, improper, integer_to_list(N), term_to_binary(L)) || {N, L} <- [{1, [a | b]}, {2, [1, 2 | 3]}, {1, [alias | make_ref()]}]].

maps() ->
    [line(canonical, map, integer_to_list(map_size(M)), term_to_binary(M))
     || M <- [#{}, #{a => 1}, #{axes => [300, 301], keep_axes => true}, #{1 => #{2 => #{3 => []}}},
              maps:from_list([{I, I * I} || I <- lists:seq(1, 100)])]].

binaries() ->
    [line(canonical, binary, integer_to_list(byte_size(B)), term_to_binary(B))
     || B <- [<<>>, <<0>>, <<"text">>, binary:copy(<<255>>, 1000)]],
    [line(other, bitstring, "-", term_to_binary(B)) || B <- [<<1:1>>, <<5:3>>, <<1, 2, 3:7>>]].

identifiers() ->
    Port = hd(erlang:ports()),
    [line(other, pid, "-", term_to_binary(P)) || P <- [self(), whereis(init)]],
    [line(other, reference, "-", term_to_binary(R)) || R <- [make_ref(), alias()]],
    line(other, port, "-", term_to_binary(Port)),
    %% Of other nodes and older releases: small creations, atoms in Latin-1, small ports.
    [begin
         N = <<(atom_header(Tag, Node))/binary, Node/binary>>,
         line(other, pid, "-", checked(<<131, 88, N/binary, 17:32, 3:32, 77777:32>>)),
         line(other, pid, "-", checked(<<131, 103, N/binary, 17:32, 3:32, 2>>)),
         line(other, reference, "-", checked(<<131, 90, 3:16, N/binary, 77777:32, 5:32, 6:32, 7:32>>)),
         line(other, reference, "-", checked(<<131, 90, 5:16, N/binary, 77777:32, 5:32, 6:32, 7:32, 8:32, 9:32>>)),
         line(other, reference, "-", checked(<<131, 114, 3:16, N/binary, 2, 5:32, 6:32, 7:32>>)),
         line(other, reference, "-", checked(<<131, 101, N/binary, 5:32, 2>>)),
         line(other, port, "-", checked(<<131, 89, N/binary, 5:32, 77777:32>>)),
         line(other, port, "-", checked(<<131, 102, N/binary, 5:32, 2>>)),
         line(other, port, "-", checked(<<131, 120, N/binary, 5:64, 77777:32>>))
     end || {Tag, Node} <- [{100, <<"a@b">>}, {115, <<"a@b">>}, {118, <<"a@b">>}, {119, <<"caf", 195, 169, "@host">>}]].

funs() ->
    X = {captured, 1}, Y = [1, 2, 300],
    [line(other, 'fun', "-", term_to_binary(F)) || F <- [fun erlang:length/1, fun lists:map/2, fun(Z) -> {X, Y, Z} end, fun() -> ok end]].

nested() ->
    Ref = make_ref(),
    line(canonical, tuple, "3", term_to_binary({'$gen_call', {self(), Ref}, {describe, 1}})),
    line(other, tuple, "3", term_to_binary({'$gen_call', {self(), [alias | Ref]}, {heartbeat, 1 bsl 60}})),
    Command = {add, [{7, f32, {3, 300}}], [1, {f32, 2.5}], #{}},
    line(canonical, tuple, "4", term_to_binary({run, 1 bsl 62, 1, lists:duplicate(64, Command)})),
    Deep = fun Deep(0) -> leaf; Deep(N) -> {Deep(N - 1)} end,
    [line(canonical, tuple, "1", term_to_binary(Deep(N))) || N <- [2, 63, 64]],
    [line(deep, tuple, "1", term_to_binary(Deep(N))) || N <- [65, 1000]].

atom_header(Tag, A) when Tag =:= 100; Tag =:= 118 -> <<Tag, (byte_size(A)):16>>;
atom_header(Tag, A) -> <<Tag, (byte_size(A))>>.

%% A hand-made term counts only when Erlang reads it.
checked(Bytes) -> _ = binary_to_term(Bytes), Bytes.

line(Form, Kind, Value, Bytes) -> io:format("~s ~s ~s ~s~n", [Form, Kind, case Value of "" -> "-"; _ -> Value end, hex(Bytes)]).

hex(Bytes) -> string:lowercase(binary_to_list(binary:encode_hex(Bytes))).
