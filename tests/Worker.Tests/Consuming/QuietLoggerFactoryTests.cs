using MassTransit;
using Microsoft.Extensions.Logging;
using VlWorker.Consuming;

namespace VlWorker.Worker.Tests.Consuming;

public sealed class QuietLoggerFactoryTests
{
    [Fact]
    public void Messages_that_are_given_back_are_no_errors_in_the_log()
    {
        using var counted = new CountingProvider();
        using var loggers = LoggerFactory.Create(logging => logging.AddProvider(counted));
        using var quiet = new QuietLoggerFactory(loggers);
        var logger = quiet.CreateLogger("MassTransit.ReceiveTransport");

        // What MassTransit makes of a consumer's exception depends on the token that the exception names.
        foreach (var error in new Exception[] { new GivenBackException(new IOException()), new ConsumerCanceledException("given back"), new IOException() })
            logger.Log(LogLevel.Error, default, "T-FAULT", error, static (text, _) => text);

        Assert.Equal(1, counted.Lines);
    }

    private sealed class CountingProvider : ILoggerProvider, ILogger
    {
        public int Lines { get; private set; }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines++;

        public void Dispose()
        {
        }
    }
}
