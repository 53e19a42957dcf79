# Writes the vectors of real Nx calls, test/vectors/ops/FAMILY.txt, and of functions of Nx.Defn, test/vectors/programs/NAME.txt; with --check
# compares them with what is there. A GPU node is started for what it can do.
# In elixir/nx_vulkan: MIX_ENV=test mix run --no-start ../../test/vectors/record.exs [--check]
alias Nx.Vulkan.Test.Vectors

page = File.read!(Path.join(__DIR__, "README.md"))

for {rule, why} <- Vectors.rules() ++ Vectors.left_out(), row = "| `#{rule}` | #{why} |", not String.contains?(page, row),
    do: raise("README.md lacks the row #{row}")

files =
  for({family, count, text} <- Vectors.files(), do: {"ops/#{family}.txt", count, "cases", text}) ++
    for {name, count, text} <- Vectors.Programs.files(), do: {"programs/#{name}.txt", count, "ops", text}

names = for {name, _count, _unit, _text} <- files, do: name
there = for path <- Path.wildcard(Path.join(__DIR__, "{ops,programs}/*.txt")), do: Path.relative_to(path, __DIR__)

differing =
  for {name, _count, _unit, text} <- files,
      path = Path.join(__DIR__, name),
      File.read(path) != {:ok, IO.iodata_to_binary(text)},
      do: {name, path, text}

for {name, count, unit, text} <- files, do: IO.puts("#{name}: #{count} #{unit}, #{IO.iodata_length(text)} bytes")
IO.puts("#{length(files)} files, #{files |> Enum.map(&IO.iodata_length(elem(&1, 3))) |> Enum.sum()} bytes")

if System.argv() == ["--check"] do
  for {name, _path, _text} <- differing, do: IO.puts("#{name} is not what record.exs writes")
  for name <- there -- names, do: IO.puts("#{name} is of no family of the table and of no function")
  if differing != [] or there -- names != [], do: System.halt(1)
else
  for {_name, path, text} <- differing do
    File.mkdir_p!(Path.dirname(path))
    File.write!(path, text)
  end

  for name <- there -- names, do: File.rm!(Path.join(__DIR__, name))
end
