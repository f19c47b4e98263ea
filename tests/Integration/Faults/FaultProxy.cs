using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace VlWorker.Integration.Faults;

/// <summary>A TCP proxy on loopback that delays, stalls, cuts, refuses, or answers itself, for any protocol; HTTP requests one by one.</summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private readonly string _host;
    private readonly int _port;
    private readonly ConcurrentDictionary<Link, Task> _links = new();
    private TcpListener _listener;
    private Task _accepting;
    private long _passed;

    private FaultProxy(string host, int port)
    {
        (_host, _port) = (host, port);
        _listener = new TcpListener(IPAddress.Loopback, 0);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync(_listener);
    }

    /// <summary>Where clients connect to, on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>What happens to traffic from the next thing on that a client sends.</summary>
    public FaultPlan Plan { get; set; } = FaultPlan.None;

    /// <summary>Bytes passed from the server to clients so far.</summary>
    public long Passed => Volatile.Read(ref _passed);

    /// <summary>Connections open now.</summary>
    public int Connections => _links.Count;

    /// <summary>Starts a proxy in front of a server.</summary>
    public static FaultProxy Start(Uri server)
    {
        ArgumentNullException.ThrowIfNull(server);
        return new FaultProxy(server.Host, server.Port);
    }

    /// <summary>Closes all connections now, or those that are chosen as <see cref="FaultPlan.Connections"/> does; new ones are taken.</summary>
    public async Task CutAsync(bool reset = false, Func<string, bool>? connections = null)
    {
        foreach (var (link, running) in _links)
        {
            if (connections?.Invoke(link.Greeting) == false)
                continue;
            link.Close(reset);
            await running;
        }
    }

    /// <summary>Closes all connections; new ones are refused until <see cref="Accept"/>.</summary>
    public async Task RefuseAsync()
    {
        _listener.Stop();
        await _accepting;
        await CutAsync(reset: true);
    }

    /// <summary>Takes connections on the same port again.</summary>
    public void Accept()
    {
        _listener = new TcpListener(IPAddress.Loopback, Port);
        _listener.Start();
        _accepting = AcceptAsync(_listener);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await RefuseAsync();

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                var link = new Link(this, await listener.AcceptSocketAsync());
                var start = new TaskCompletionSource();
                _links[link] = RunAsync(link, start.Task);
                start.SetResult();
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The listener was stopped.
        }
    }

    private async Task RunAsync(Link link, Task listed)
    {
        await listed;
        await Task.Yield();
        using (link)
            await link.RunAsync(_host, _port);
        _links.TryRemove(link, out _);
    }

    /// <summary>One client's connection and the one to the server behind it.</summary>
    private sealed class Link(FaultProxy proxy, Socket client) : IDisposable
    {
        private const int GreetingLength = 4096;
        private readonly Socket _server = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        private readonly CancellationTokenSource _closed = new();
        private FaultPlan _plan = FaultPlan.None;
        private long _answered;

        /// <summary>What the client sent first.</summary>
        public string Greeting { get; private set; } = "";

        public async Task RunAsync(string host, int port)
        {
            try
            {
                client.NoDelay = true;
                await _server.ConnectAsync(host, port, _closed.Token);
                await await Task.WhenAny(ForwardAsync(), AnswerAsync());
            }
            catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // One side has gone: so does the other.
            }

            Close(reset: false);
        }

        public void Close(bool reset)
        {
            try
            {
                if (reset)
                    client.LingerState = new LingerOption(true, 0);
                _closed.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It was closed already.
            }

            client.Close();
            _server.Close();
        }

        public void Dispose()
        {
            client.Dispose();
            _server.Dispose();
            _closed.Dispose();
        }

        private async Task ForwardAsync()
        {
            var buffer = new byte[64 << 10];
            for (int got; (got = await client.ReceiveAsync(buffer, _closed.Token)) > 0;)
            {
                if (Greeting.Length < GreetingLength)
                    Greeting += Encoding.Latin1.GetString(buffer, 0, Math.Min(got, GreetingLength - Greeting.Length));
                _plan = Choose(buffer.AsSpan(0, got));
                _answered = 0;
                if (_plan.Freeze)
                    await ForeverAsync();
                if (_plan.Answer is not { } answer)
                {
                    await SendAsync(_server, buffer.AsMemory(0, got));
                    continue;
                }

                await Task.Delay(_plan.Delay, _closed.Token);
                await PassAsync(answer);
            }
        }

        private async Task AnswerAsync()
        {
            var buffer = new byte[64 << 10];
            for (int got; (got = await _server.ReceiveAsync(buffer, _closed.Token)) > 0;)
            {
                if (_answered == 0)
                    await Task.Delay(_plan.Delay, _closed.Token);
                await PassAsync(buffer.AsMemory(0, got));
            }
        }

        /// <summary>Passes on what the plan lets pass.</summary>
        private async Task PassAsync(ReadOnlyMemory<byte> bytes)
        {
            var left = Math.Max(0, (_plan.StallAfter ?? _plan.CutAfter ?? long.MaxValue) - _answered);
            var now = (int)Math.Min(left, bytes.Length);
            await SendAsync(client, bytes[..now]);
            _answered += now;
            Interlocked.Add(ref proxy._passed, now);
            if (now < left)
                return;
            if (_plan.Trickle is { } every)
                await TrickleAsync(bytes[now..], every);
            else if (_plan.StallAfter is not null)
                await ForeverAsync();
            else
                Close(_plan.Reset);
        }

        private async Task TrickleAsync(ReadOnlyMemory<byte> bytes, TimeSpan every)
        {
            using var timer = new PeriodicTimer(every);
            for (; !bytes.IsEmpty && await timer.WaitForNextTickAsync(_closed.Token); bytes = bytes[1..])
                await SendAsync(client, bytes[..1]);
        }

        private FaultPlan Choose(ReadOnlySpan<byte> sent)
        {
            var plan = proxy.Plan;
            if (plan.Connections?.Invoke(Greeting) == false)
                return FaultPlan.None;
            if (plan.Matches is null)
                return plan;
            var line = sent.IndexOf((byte)'\r') is >= 0 and var end ? sent[..end] : sent;
            return plan.Matches(Encoding.Latin1.GetString(line)) ? plan : FaultPlan.None;
        }

        private Task ForeverAsync() => Task.Delay(Timeout.InfiniteTimeSpan, _closed.Token);

        private async Task SendAsync(Socket to, ReadOnlyMemory<byte> bytes)
        {
            while (!bytes.IsEmpty)
                bytes = bytes[await to.SendAsync(bytes, _closed.Token)..];
        }
    }
}
