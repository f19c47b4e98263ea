namespace VlWorker.ModelKit.Quantization.HalfPrecision;

/// <summary>What stays in 32 bits in a model of 16.</summary>
/// <param name="Measured">Values of the fp32 graph by name, as calibration images gave them; null where nothing was measured.</param>
/// <param name="Filter">Nodes that stay in 32 bits by name; its operators are not looked at.</param>
internal sealed record HalfOptions(IReadOnlyDictionary<string, ValueRange>? Measured, NodeFilter Filter)
{
    // Images that were not looked at may go farther: half of the range is left to them.
    private const float Headroom = 2;

    /// <summary>Why a value can't be held in 16 bits; null if it can.</summary>
    public string? Obstacle(string value)
    {
        if (Measured is null || !Measured.TryGetValue(value, out var range))
            return null;
        if (range.Largest * Headroom > HalfConstant.Largest)
            return FormattableString.Invariant($"{value} reaches {range.Largest:g4}");
        return range.Loss > HalfConstant.LossAllowed ? FormattableString.Invariant($"{value} loses {range.Loss:p2} in fp16") : null;
    }
}

/// <summary>What was seen of a value.</summary>
/// <param name="Largest">The greatest magnitude, masks left out.</param>
/// <param name="Loss">Error of rounding it to 16 bits, relative to its length; the worst of all images.</param>
internal readonly record struct ValueRange(float Largest, float Loss)
{
    /// <summary>The worse of both.</summary>
    public ValueRange Or(ValueRange other) => new(Math.Max(Largest, other.Largest), Math.Max(Loss, other.Loss));
}
