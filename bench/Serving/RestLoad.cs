using System.Diagnostics;
using System.Net.Http.Headers;
using VlWorker.Bench.Pipeline;

namespace VlWorker.Bench.Serving;

/// <summary>Clients of /predict, each with one request under way.</summary>
internal sealed class RestLoad(WorkerUnderTest worker, IReadOnlyList<byte[]> images, int clients) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = clients }) { BaseAddress = worker.Address };

    /// <summary>Captions that many images; returns the seconds it took, the requests that failed, and how long each took in milliseconds.</summary>
    public async Task<(double Seconds, int Errors, double[] Milliseconds)> RunAsync(int count)
    {
        var (next, errors, times) = (-1, 0, new double[count]);
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < count;)
            {
                var started = Stopwatch.GetTimestamp();
                if (!await CaptionAsync(images[i % images.Count]))
                    Interlocked.Increment(ref errors);
                times[i] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            }
        })));
        return (clock.Elapsed.TotalSeconds, errors, times);
    }

    public void Dispose() => _http.Dispose();

    private async Task<bool> CaptionAsync(byte[] image)
    {
        using var content = new ByteArrayContent(image) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };
        using var response = await _http.PostAsync(new Uri("/predict?tasks=caption", UriKind.Relative), content);
        var answer = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode && answer.Contains("\"caption\":{\"text\":\"", StringComparison.Ordinal);
    }
}
