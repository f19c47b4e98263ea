using System.Security.Cryptography;
using System.Text;

namespace VlWorker.ModelKit.Conversion;

/// <summary>
/// Optimised models by content: the key is made of the source's SHA-256, this build of the tool, target and precision, so that what is
/// found under it is what converting anew would give. Several processes may share a cache.
/// </summary>
/// <param name="folder">Where the models are kept; made where it is missing.</param>
internal sealed class ModelCache(string folder)
{
    private const int KeyLength = 16;

    // Changes with every change of the code, unlike the version.
    private static readonly string Build = typeof(ModelCache).Module.ModuleVersionId.ToString("N");

    /// <summary>The optimised form of a model, made where it is not there yet.</summary>
    /// <returns>Its folder.</returns>
    /// <exception cref="ModelFolderException">The model can't be read or converted.</exception>
    /// <exception cref="IOException">The cache can't be written.</exception>
    public string GetOrAdd(SourceModel source, ConversionOptions options)
    {
        var path = PathOf(source, options);
        if (File.Exists(Path.Combine(path, ModelManifest.FileName)))
            return path;
        Directory.CreateDirectory(folder);
        using var partial = new PartialFolder(path);
        ModelConverter.Write(source, options, partial.Path);
        partial.CompleteUnlessThere();
        return path;
    }

    /// <summary>Where a model is, or will be.</summary>
    public string PathOf(SourceModel source, ConversionOptions options)
    {
        var text = string.Join('\n', source.Sha256, Build, options.TargetName, options.PrecisionName);
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..KeyLength];
        return Path.Combine(Path.GetFullPath(folder), $"{Path.GetFileName(source.Path)}-{options.TargetName}-{options.PrecisionName}-{key}");
    }
}
