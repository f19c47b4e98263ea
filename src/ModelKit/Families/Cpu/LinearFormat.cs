namespace VlWorker.ModelKit.Families.Cpu;

/// <summary>How a linear layer is computed on a CPU.</summary>
internal enum LinearFormat
{
    /// <summary>In 32-bit floats.</summary>
    Float,

    /// <summary>
    /// Weights of 8 bits with a scale for each output, the input in 8 bits with one scale for all of it: the fastest where many rows
    /// go through at once. A row's result depends a little on the rows beside it.
    /// </summary>
    Int8,

    /// <summary>Weights and input of 8 bits with a scale for each block of a row: a row's result depends on no other row.</summary>
    Int8Rows,
}
