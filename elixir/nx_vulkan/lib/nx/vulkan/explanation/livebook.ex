# Kino is no dependency: whoever has it gets the picture.
if Code.ensure_loaded?(Kino.Render) do
  defimpl Kino.Render, for: Nx.Vulkan.Explanation do
    def to_livebook(explanation) do
      [
        Picture: explanation |> Nx.Vulkan.Explanation.to_mermaid() |> Kino.Mermaid.new(),
        Text: explanation |> to_string() |> Kino.Text.new(terminal: true)
      ]
      |> Kino.Layout.tabs()
      |> Kino.Render.to_livebook()
    end
  end
end
