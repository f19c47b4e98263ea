using VlWorker.ModelKit.Configuration;
using VlWorker.ModelKit.Parameters;

namespace VlWorker.ModelKit.Checkpoints;

/// <summary>
/// A checkpoint's tensors by name, read when they are asked for. A part may have several names, as the versions of transformers wrote them:
/// the first that is there is taken. Every tensor must be asked for, or be known to carry no parameter of the model.
/// </summary>
internal sealed class WeightTable(Checkpoint checkpoint)
{
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    /// <summary>Whether a tensor is there.</summary>
    public bool Has(string name) => checkpoint.Has(name);

    /// <summary>The first prefix under which there is a tensor of the given ending.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public string Prefix(string ending, params ReadOnlySpan<string> candidates)
    {
        foreach (var prefix in candidates)
        {
            if (Has(prefix + ending))
                return prefix;
        }

        throw new InvalidDataException($"tensor {candidates[0]}{ending} is missing");
    }

    /// <summary>A vector.</summary>
    /// <param name="length">Its length.</param>
    /// <param name="names">Its names.</param>
    /// <exception cref="InvalidDataException">It is missing or of another shape.</exception>
    public float[] Vector(int length, params ReadOnlySpan<string> names) => Values(Find(names), names, [length]);

    /// <summary>A tensor whose shape may have leading ones.</summary>
    /// <exception cref="InvalidDataException">It is missing or of another shape.</exception>
    public float[] Flat(ReadOnlySpan<long> shape, params ReadOnlySpan<string> names)
    {
        var name = Find(names);
        var dims = name is null ? [] : checkpoint.Find(name).Dims;
        var ones = 0;
        while (dims.Length - ones > shape.Length && dims[ones] == 1)
            ones++;
        return Values(name, names, [.. dims.AsSpan(0, ones), .. shape]);
    }

    /// <summary>A matrix as it is stored.</summary>
    /// <exception cref="InvalidDataException">It is missing or of another shape.</exception>
    public Matrix Matrix(int rows, int columns, params ReadOnlySpan<string> names) => new(rows, columns, Values(Find(names), names, [rows, columns]));

    /// <summary>A table that may be tied to a known one of the same shape.</summary>
    /// <param name="known">The known one.</param>
    /// <param name="mayMiss">Whether it is tied where it is missing.</param>
    /// <param name="names">Its names.</param>
    /// <returns>Null where it is tied: missing, or stored once more with the same values.</returns>
    /// <exception cref="InvalidDataException">It is missing and may not be, or of another shape.</exception>
    public Matrix? Untied(Matrix known, bool mayMiss, params ReadOnlySpan<string> names) =>
        mayMiss && Find(names) is null ? null : Matrix(known.Rows, known.Columns, names).OtherThan(known);

    /// <summary>Asks for a matrix, if it is there, whose values another one stands for: it is not read.</summary>
    /// <exception cref="InvalidDataException">It is of another shape.</exception>
    public void Pass(int rows, int columns, string name)
    {
        if (Has(name))
            Checked(name, [name], [rows, columns]);
    }

    /// <summary>The layer that makes states of an image's patches, stored as a convolution.</summary>
    /// <param name="config">The tower's sizes.</param>
    /// <param name="name">Its name without <c>.weight</c>.</param>
    /// <returns>[values of a patch, width].</returns>
    /// <exception cref="InvalidDataException">It is missing or of another shape.</exception>
    public Matrix Patches(VisionConfig config, string name) => new Matrix(
        config.HiddenSize, config.PatchValues, Flat([config.HiddenSize, 3, config.PatchSize, config.PatchSize], name + ".weight")).Transpose();

    /// <summary>A torch.nn.Linear, stored as [out, in].</summary>
    /// <param name="inputs">Width of the input.</param>
    /// <param name="outputs">Width of the output.</param>
    /// <param name="bias">Whether it has a bias.</param>
    /// <param name="names">Its names without <c>.weight</c>.</param>
    /// <exception cref="InvalidDataException">A tensor is missing or of another shape.</exception>
    public Linear Linear(int inputs, int outputs, bool bias, params ReadOnlySpan<string> names)
    {
        var name = Named(names, ".weight");
        return new Linear(Matrix(outputs, inputs, name + ".weight").Transpose(), bias ? Vector(outputs, name + ".bias") : null);
    }

    /// <summary>GPT-2's Conv1D, stored as [in, out].</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or of another shape.</exception>
    public Linear Conv1D(int inputs, int outputs, string name) =>
        new(Matrix(inputs, outputs, name + ".weight"), Has(name + ".bias") ? Vector(outputs, name + ".bias") : null);

    /// <summary>A norm.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or of another shape.</exception>
    public LayerNorm Norm(int width, float epsilon, params ReadOnlySpan<string> names)
    {
        var name = Named(names, ".weight");
        return new LayerNorm(Vector(width, name + ".weight"), Vector(width, name + ".bias"), epsilon);
    }

    /// <summary>Asserts that nothing is left which the model might need.</summary>
    /// <param name="known">Whether a tensor is known to carry no parameter.</param>
    /// <exception cref="InvalidDataException">Something is left.</exception>
    public void RequireAllUsed(Func<string, bool> known)
    {
        var unknown = checkpoint.Names.Where(name => !_used.Contains(name) && !known(name)).Order(StringComparer.Ordinal).ToList();
        if (unknown.Count > 0)
            throw new InvalidDataException($"tensor {unknown[0]} is unknown" + (unknown.Count > 1 ? $", as are {unknown.Count - 1} more" : string.Empty));
    }

    private string Named(ReadOnlySpan<string> names, string ending)
    {
        foreach (var name in names)
        {
            if (Has(name + ending))
                return name;
        }

        return names[0];
    }

    private string? Find(ReadOnlySpan<string> names) => Named(names, string.Empty) is var name && Has(name) ? name : null;

    private float[] Values(string? name, ReadOnlySpan<string> names, ReadOnlySpan<long> shape) => checkpoint.ReadFloats(Checked(name, names, shape));

    private string Checked(string? name, ReadOnlySpan<string> names, ReadOnlySpan<long> shape)
    {
        if (name is null)
            throw new InvalidDataException($"tensor {names[0]} is missing");
        var dims = checkpoint.Find(name).Dims;
        if (!dims.AsSpan().SequenceEqual(shape))
            throw new InvalidDataException($"tensor {name} is [{string.Join(", ", dims)}], and config.json asks for [{string.Join(", ", shape.ToArray())}]");
        _used.Add(name);
        return name;
    }
}
