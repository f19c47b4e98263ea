using System.Net.Http.Json;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Security;

/// <summary>Users of the shared broker with permissions on one virtual host.</summary>
internal static class LimitedUser
{
    /// <summary>Makes a user; returns the broker's address with it.</summary>
    public static async Task<Uri> CreateAsync(BrokerAccess broker, string configure, string write, string read, string? password = null)
    {
        var (name, secret) = ($"user-{Guid.NewGuid():N}", password ?? Guid.NewGuid().ToString("N"));
        using var made = await broker.Management.PutAsJsonAsync(new Uri($"users/{name}", UriKind.Relative), new { password = secret, tags = "" });
        made.EnsureSuccessStatusCode();
        using var allowed = await broker.Management.PutAsJsonAsync(
            new Uri($"permissions/{Uri.EscapeDataString(broker.VirtualHost)}/{name}", UriKind.Relative), new { configure, write, read });
        allowed.EnsureSuccessStatusCode();
        return new UriBuilder(broker.Uri) { UserName = name, Password = secret }.Uri;
    }
}
