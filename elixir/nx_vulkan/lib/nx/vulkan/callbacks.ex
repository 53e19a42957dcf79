defmodule Nx.Vulkan.Callbacks do
  @moduledoc false
  # The callbacks of Nx.Backend that are one op of the node, as a table: which of a callback's arguments are the op's operands,
  # and how the others become its attributes. Result type and shape are those of the callback's template.
  #
  # A row says how an op is spelled on the wire, not whether the node has it: that is what the node's `describe` says when the
  # callback runs. So an op that is added to the node is used from then on.
  #
  # A row is {name, arguments, operands, attributes}. Operands name arguments that are tensors or lists of tensors.
  # Attributes are {key, source}, where a source is
  #
  #   * an argument's name - its value
  #   * {argument, key}, {argument, key, default} - what the keyword list in that argument has under key
  #   * {:dimensions, argument} - a shape, as a list
  #   * {:starts, argument} - a list of start indices: tensors in it become operands behind the others and :operand in the list

  @unary Enum.map(Nx.Shared.unary_math_funs(), &elem(&1, 0)) ++
           ~w(abs bitwise_not ceil conjugate floor negate round sign count_leading_zeros population_count real imag
              is_nan is_infinity)a

  @binary ~w(add subtract multiply pow remainder divide atan2 min max quotient bitwise_and bitwise_or bitwise_xor left_shift
             right_shift equal not_equal greater less greater_equal less_equal logical_and logical_or logical_xor)a

  @reduce [axes: {:opts, :axes}, keep_axes: {:opts, :keep_axes, false}]
  @arg_reduce [axis: {:opts, :axis}, keep_axis: {:opts, :keep_axis, false}, tie_break: {:opts, :tie_break}]
  @window [
    window: {:dimensions, :shape},
    padding: {:opts, :padding},
    strides: {:opts, :strides},
    window_dilations: {:opts, :window_dilations}
  ]
  @scatter [window: {:dimensions, :shape}, padding: {:opts, :padding}, strides: {:opts, :strides}]
  @order [axis: {:opts, :axis}, direction: {:opts, :direction}, stable: {:opts, :stable}]
  @fourier [axis: {:opts, :axis}, length: {:opts, :length}, eps: {:opts, :eps}]
  @conv for key <-
              ~w(strides padding input_dilation kernel_dilation feature_group_size batch_group_size input_permutation
                 kernel_permutation output_permutation)a,
            do: {key, {:opts, key}}

  @rows [
          {:as_type, [:tensor], [:tensor], []},
          {:bitcast, [:tensor], [:tensor], []},
          {:reshape, [:tensor], [:tensor], []},
          {:squeeze, [:tensor, :axes], [:tensor], [axes: :axes]},
          {:broadcast, [:tensor, :shape, :axes], [:tensor], [axes: :axes]},
          {:transpose, [:tensor, :axes], [:tensor], [axes: :axes]},
          {:pad, [:tensor, :value, :padding], [:tensor, :value], [padding: :padding]},
          {:reverse, [:tensor, :axes], [:tensor], [axes: :axes]},
          {:dot, [:left, :contract_left, :batch_left, :right, :contract_right, :batch_right], [:left, :right],
           [
             contract_left: :contract_left,
             batch_left: :batch_left,
             contract_right: :contract_right,
             batch_right: :batch_right
           ]},
          {:clip, [:tensor, :min, :max], [:tensor, :min, :max], []},
          {:slice, [:tensor, :starts, :lengths, :strides], [:tensor],
           [starts: {:starts, :starts}, lengths: :lengths, strides: :strides]},
          {:put_slice, [:tensor, :starts, :slice], [:tensor, :slice], [starts: {:starts, :starts}]},
          {:gather, [:tensor, :indices, :opts], [:tensor, :indices], [axes: {:opts, :axes}]},
          {:concatenate, [:tensors, :axis], [:tensors], [axis: :axis]},
          {:stack, [:tensors, :axis], [:tensors], [axis: :axis]},
          {:select, [:pred, :on_true, :on_false], [:pred, :on_true, :on_false], []},
          {:indexed_add, [:tensor, :indices, :updates, :opts], [:tensor, :indices, :updates], [axes: {:opts, :axes}]},
          {:indexed_put, [:tensor, :indices, :updates, :opts], [:tensor, :indices, :updates], [axes: {:opts, :axes}]},
          {:conv, [:tensor, :kernel, :opts], [:tensor, :kernel], @conv},
          {:sort, [:tensor, :opts], [:tensor], @order},
          {:argsort, [:tensor, :opts], [:tensor], @order},
          {:triangular_solve, [:a, :b, :opts], [:a, :b],
           [lower: {:opts, :lower}, left_side: {:opts, :left_side}, transform_a: {:opts, :transform_a}]}
        ] ++
          for(op <- ~w(all any sum product reduce_max reduce_min)a, do: {op, [:tensor, :opts], [:tensor], @reduce}) ++
          for(op <- ~w(argmax argmin)a, do: {op, [:tensor, :opts], [:tensor], @arg_reduce}) ++
          for(
            op <- ~w(window_sum window_product window_max window_min)a,
            do: {op, [:tensor, :shape, :opts], [:tensor], @window}
          ) ++
          for(
            op <- ~w(window_scatter_max window_scatter_min)a,
            do: {op, [:tensor, :source, :init, :shape, :opts], [:tensor, :source, :init], @scatter}
          ) ++
          for(op <- ~w(fft ifft)a, do: {op, [:tensor, :opts], [:tensor], @fourier}) ++
          for(op <- @unary, do: {op, [:tensor], [:tensor], []}) ++
          for(op <- @binary, do: {op, [:left, :right], [:left, :right], []})

  # Ops whose operands broadcast, where a constant of any shape is a number.
  @elementwise @unary ++ @binary ++ ~w(as_type select clip)a

  # Ops that only move elements, for which the node need not compute the type.
  @moving ~w(reshape squeeze broadcast transpose reverse slice put_slice pad gather take take_along_axis indexed_put concatenate stack)a

  # The default functions of Nx's blocks are composed of other callbacks; a node that has the op takes it in one. Operands are
  # the block's tensors, attributes are the fields of its struct; those that say when Nx's own iterations end (eps, max_iter) are
  # none of the ops', which go on until their type has no better answer.
  @blocks %{
    Nx.Block.LogicalNot => :logical_not,
    Nx.Block.Phase => :phase,
    Nx.Block.LinAlg.Cholesky => :cholesky,
    Nx.Block.LinAlg.Solve => :solve,
    Nx.Block.LinAlg.QR => :qr,
    Nx.Block.LinAlg.Eigh => :eigh,
    Nx.Block.LinAlg.SVD => :svd,
    Nx.Block.LinAlg.LU => :lu,
    Nx.Block.LinAlg.Determinant => :determinant,
    Nx.Block.AllClose => :all_close,
    Nx.Block.CumulativeSum => :cumulative_sum,
    Nx.Block.CumulativeProduct => :cumulative_product,
    Nx.Block.CumulativeMin => :cumulative_min,
    Nx.Block.CumulativeMax => :cumulative_max,
    Nx.Block.Take => :take,
    Nx.Block.TakeAlongAxis => :take_along_axis,
    Nx.Block.TopK => :top_k,
    Nx.Block.FFT2 => :fft2,
    Nx.Block.IFFT2 => :ifft2,
    Nx.Block.RFFT => :rfft,
    Nx.Block.IRFFT => :irfft
  }

  @spec rows() :: [{atom, [atom], [atom], keyword}]
  def rows, do: @rows

  @spec elementwise?(atom) :: boolean
  for op <- @elementwise, do: def(elementwise?(unquote(op)), do: true)
  def elementwise?(_op), do: false

  @spec moving?(atom) :: boolean
  def moving?(op), do: op in @moving

  @doc "The op that a block is, or nil for a block that Nx does not define."
  @spec block(module) :: atom | nil
  def block(module), do: @blocks[module]

  @doc "The fields of a block's struct that `op` has as attributes."
  @spec attributes(atom, struct) :: map
  def attributes(op, block) do
    {:ok, %{attributes: attributes}} = GpuNode.Op.fetch(op)
    Map.take(Map.from_struct(block), Map.keys(attributes))
  end

  @spec blocks() :: %{module => atom}
  def blocks, do: @blocks
end
