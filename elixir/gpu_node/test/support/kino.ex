defmodule GpuNode.Test.Kino do
  @moduledoc "What `GpuNode.Chain.Progress` uses of Kino, telling the process that calls."

  def render(term), do: send(self(), {:rendered, term}) && term

  defmodule Bridge do
    @moduledoc false
    def within_livebook?, do: Process.get(:livebook, true)
  end

  defmodule Frame do
    @moduledoc false
    def new, do: {:frame, make_ref()}
    def render(frame, term), do: send(self(), {:frame, frame, term}) && :ok
  end

  defmodule Text do
    @moduledoc false
    def new(text, terminal: true), do: {:text, text}
  end
end
