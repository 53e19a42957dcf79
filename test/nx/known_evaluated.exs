# What differs in addition where functions of defn are evaluated op by op, as in known.exs.
[
  {"an eager tensor meets one of a test's own backend, of Nx.TemplateBackend or of Nx.Defn.Expr, which only Nx.BinaryBackend may",
   [
     {"Nx.Defn.EvaluatorTest", "test slice"}
   ]}
]
