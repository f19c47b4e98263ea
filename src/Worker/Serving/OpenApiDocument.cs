namespace VlWorker.Serving;

/// <summary>docs/openapi.json, as it was when the worker was built.</summary>
internal static class OpenApiDocument
{
    /// <summary>The path.</summary>
    public const string Path = "/openapi.json";

    /// <summary>The document, UTF-8.</summary>
    public static byte[] Json { get; } = Read();

    private static byte[] Read()
    {
        using var stream = typeof(OpenApiDocument).Assembly.GetManifestResourceStream("openapi.json")
            ?? throw new InvalidOperationException("openapi.json is not in the assembly");
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
