# What differs in addition where functions of defn are compiled, as in known.exs.
[
  {"the test wants a serving to have no options but its own: here the compiler is one of all",
   [
     {"Nx.ServingTest", "test batched_run + streaming 2+2=4 with pre and post"},
     {"Nx.ServingTest", "test batched_run + streaming 3+3=4+2(+pad) with pre and post"},
     {"Nx.ServingTest", "test batched_run + streaming 5=3+2(+pad) (oversized)"},
     {"Nx.ServingTest", "test batched_run + streaming 5=3+3 (oversized)"},
     {"Nx.ServingTest", "test batched_run + streaming with output streaming"},
     {"Nx.ServingTest", "test batched_run 1=1"},
     {"Nx.ServingTest", "test batched_run 2+2=4"},
     {"Nx.ServingTest", "test batched_run 2+2=4 with pre and post"},
     {"Nx.ServingTest", "test batched_run 5=3+2(+pad) (oversized)"},
     {"Nx.ServingTest", "test batched_run 5=3+3 (oversized)"},
     {"Nx.ServingTest", "test batched_run with input streaming"},
     {"Nx.ServingTest", "test run + streaming with client pre/post"},
     {"Nx.ServingTest", "test run + streaming with module callbacks"},
     {"Nx.ServingTest", "test run/2 with module callbacks"}
   ]},
  {"an eager tensor of a test's own backend is an argument: results of compiled functions lie on the node",
   [
     {"Nx.OptionalTest",
      "test inspect works with defn call for backend Elixir.Nx.OptionalTest.CustomImplTestBackend"},
     {"Nx.OptionalTest",
      "test inspect works with defn call for backend Elixir.Nx.OptionalTest.NonCustomImplTestBackend"}
   ]}
]
