defmodule GpuNode.Test.InferenceDataSchema do
  @moduledoc """
  What the published schema of InferenceData asks of groups, variables, dimensions, coordinates and attributes, as a check of decoded JSON.
  Sentences of the schema, in other words, are the comments.
  """

  @groups ~w(posterior sample_stats log_likelihood posterior_predictive observed_data constant_data prior)
  @sampled ~w(posterior sample_stats log_likelihood posterior_predictive prior)
  @others ~w(dims coords attrs posterior_attrs sample_stats_attrs)
  @statistics ~w(lp acceptance_rate step_size step_size_nom tree_depth n_steps diverging energy energy_error max_energy_error)

  @doc "What is wrong, as sentences: none for an object that follows the schema."
  def problems(%{} = data) do
    dims = data["dims"] || %{}
    coords = data["coords"] || %{}
    groups = Map.take(data, @groups)

    List.flatten([
      for(key <- Map.keys(data) -- (@groups ++ @others), do: "#{key} is no group and no argument"),
      if(groups["posterior"] in [nil, %{}], do: "there is no posterior", else: []),
      for({group, variables} <- groups, {name, values} <- variables, do: variable(group, name, values, dims, coords)),
      # Samples of the statistics are those of the posterior.
      shapes_agree(groups),
      for({name, _} <- groups["sample_stats"] || %{}, name not in @statistics, do: "#{name} is no name of a statistic"),
      # A variable and a dimension do not share a name.
      for({_, variables} <- groups, {name, _} <- variables, is_map_key(coords, name), do: "#{name} is a dimension too"),
      # Attributes of each group.
      for(key <- ~w(attrs posterior_attrs sample_stats_attrs), do: attributes(key, data[key]))
    ])
  end

  defp variable(group, name, values, dims, coords) do
    first = if group in @sampled, do: ["chain", "draw"], else: []
    shape = shape(values)
    # Dimensions have names, and each is that of a coordinate, with a label for each place.
    names = first ++ (dims[name] || [])

    cond do
      shape == :uneven ->
        "#{group}.#{name} is no array"

      length(shape) != length(names) ->
        "#{group}.#{name} has #{length(shape)} dimensions and the names #{inspect(names)}"

      true ->
        for {dim, size} <- Enum.zip(names, shape), do: coordinate(group, name, dim, size, coords[dim])
    end
    |> then(&[&1, kind(group, name, values)])
  end

  defp coordinate(group, name, dim, _size, nil), do: "#{dim} of #{group}.#{name} is no coordinate"
  defp coordinate(_group, _name, _dim, size, labels) when length(labels) == size, do: []

  defp coordinate(group, name, dim, size, labels),
    do: "#{group}.#{name} has #{size} places and #{length(labels)} labels along #{dim}"

  # Whether a path diverged is true or false, everything else a number.
  defp kind(group, name, values) do
    right? = if {group, name} == {"sample_stats", "diverging"}, do: &is_boolean/1, else: &is_number/1
    if [values] |> List.flatten() |> Enum.all?(right?), do: [], else: "#{group}.#{name} has values of another kind"
  end

  defp shapes_agree(groups) do
    shapes =
      for group <- @sampled -- ["prior"],
          {_, values} <- groups[group] || %{},
          shape = shape(values),
          is_list(shape),
          do: Enum.take(shape, 2)

    if length(Enum.uniq(shapes)) > 1, do: "samples do not match: #{inspect(Enum.uniq(shapes))}", else: []
  end

  defp attributes(key, %{} = attributes) do
    for name <- ~w(created_at inference_library inference_library_version),
        not is_binary(attributes[name]),
        do: "#{key} has no #{name}"
  end

  defp attributes(key, _none), do: "there are no #{key}"

  defp shape([]), do: [0]

  defp shape(list) when is_list(list) do
    case list |> Enum.map(&shape/1) |> Enum.uniq() do
      [inner] when is_list(inner) -> [length(list) | inner]
      _ -> :uneven
    end
  end

  defp shape(_scalar), do: []
end
