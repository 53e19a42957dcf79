# Writes the vectors of real Nx calls, test/vectors/ops/FAMILY.txt; with --check compares them with what is there.
# In elixir/nx_vulkan: MIX_ENV=test mix run --no-start ../../test/vectors/record.exs [--check]
alias Nx.Vulkan.Test.Vectors

page = File.read!(Path.join(__DIR__, "README.md"))

for {rule, why} <- Vectors.rules() ++ Vectors.left_out(), row = "| `#{rule}` | #{why} |", not String.contains?(page, row),
    do: raise("README.md lacks the row #{row}")

folder = Path.join(__DIR__, "ops")
files = Vectors.files()
names = for {family, _count, _text} <- files, do: "#{family}.txt"
there = for path <- Path.wildcard(Path.join(folder, "*.txt")), do: Path.basename(path)

differing =
  for {family, _count, text} <- files,
      path = Path.join(folder, "#{family}.txt"),
      File.read(path) != {:ok, IO.iodata_to_binary(text)},
      do: {path, text}

for {family, count, text} <- files, do: IO.puts("#{family}: #{count} cases, #{IO.iodata_length(text)} bytes")
IO.puts("#{files |> Enum.map(&elem(&1, 1)) |> Enum.sum()} cases, #{files |> Enum.map(&IO.iodata_length(elem(&1, 2))) |> Enum.sum()} bytes")

if System.argv() == ["--check"] do
  for {path, _text} <- differing, do: IO.puts("#{Path.basename(path)} is not what record.exs writes")
  for name <- there -- names, do: IO.puts("#{name} is of no family of the table")
  if differing != [] or there -- names != [], do: System.halt(1)
else
  File.mkdir_p!(folder)
  for {path, text} <- differing, do: File.write!(path, text)
  for name <- there -- names, do: File.rm!(Path.join(folder, name))
end
