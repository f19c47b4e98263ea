using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace VlWorker.Serving;

/// <summary>The worker's HTTP side.</summary>
internal sealed record ServingOptions
{
    public static string Section => "Serving";

    [Description("Addresses to listen on for health checks and metrics, separated by semicolons.")]
    [Required]
    public string Urls { get; init; } = "http://0.0.0.0:8080";

    /// <summary>What is wrong with these settings.</summary>
    public IEnumerable<string> Check() => Urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Where(url => !Uri.TryCreate(url.Replace("//+", "//localhost", StringComparison.Ordinal).Replace("//*", "//localhost", StringComparison.Ordinal), UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        .Select(url => $"Urls: '{url}' is not an http address");
}
