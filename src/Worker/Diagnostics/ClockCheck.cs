using System.Globalization;
using VlWorker.Fetching;

namespace VlWorker.Diagnostics;

/// <summary>How far this machine's clock is from the store's, by the Date of its answer. Signatures, deadlines and queue times depend on it.</summary>
internal sealed class ClockCheck(StoreOptions store, FetchingOptions fetching, TimeProvider time) : IDiagnosticCheck
{
    /// <summary>S3 refuses requests that are signed with a clock that is off by more than 15 minutes.</summary>
    private static readonly TimeSpan Refused = TimeSpan.FromMinutes(15);

    /// <summary>Date has seconds, and the answer takes its time.</summary>
    private static readonly TimeSpan Noticeable = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public string Name => "clock";

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellation)
    {
        if (store.Kind == StoreKind.Folder || string.IsNullOrEmpty(store.Endpoint) || store.Check().Any())
            return [Finding.Ok(Name, $"{time.GetUtcNow():yyyy-MM-dd HH:mm:ss} UTC; nothing to compare it with")];
        using var client = S3Connection.CreateHttpClient(store, fetching);
        client.Timeout = TimeSpan.FromMilliseconds(fetching.FirstByteTimeoutMs);
        try
        {
            using var answer = await client.GetAsync(new Uri(store.Endpoint), HttpCompletionOption.ResponseHeadersRead, cancellation);
            return answer.Headers.Date is { } date ? [Judge(time.GetUtcNow() - date)] : [Finding.Ok(Name, "the store does not say what time it is")];
        }
        catch (Exception error) when (error is HttpRequestException or RedirectedException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            return [Finding.Warn(Name, "not compared: the store does not answer", "See the finding about the store")];
        }
    }

    /// <summary>What a difference means.</summary>
    /// <param name="skew">This clock minus the store's.</param>
    public static Finding Judge(TimeSpan skew)
    {
        const string check = "clock";
        const string remedy = "Set this machine's clock by NTP (chrony or systemd-timesyncd), or the store's";
        var detail = string.Create(CultureInfo.InvariantCulture, $"{Math.Abs(skew.TotalSeconds):0} s {(skew < TimeSpan.Zero ? "behind" : "ahead of")} the store's");
        return skew.Duration() >= Refused ? Finding.Fail(check, $"{detail}: the store refuses signatures from 15 minutes on", remedy)
            : skew.Duration() >= Noticeable ? Finding.Warn(check, $"{detail}: deadlines and queue times are off by as much", remedy)
            : Finding.Ok(check, "within 5 s of the store's");
    }
}
