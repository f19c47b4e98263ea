using System.Text;
using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Producer.Backfill;
using VlWorker.Producer.Broker;
using VlWorker.Producer.Jobs;

namespace VlWorker.Producer.Tests.Backfill;

public sealed class AnswerReaderTests
{
    [Theory]
    [InlineData(Topology.ResultsExchange, "not json")]
    [InlineData(Topology.ResultsExchange, """{"id":"autumn-1","jobId":"autumn","reason":"corrupt","detail":"\ud800","rejectedAt":"2026-11-26T12:00:00Z"}""")]
    [InlineData(Topology.DeadExchange, """{"id":"\ud800"}""")]
    public void Garbage_in_the_jobs_queue_is_passed_over(string exchange, string body)
    {
        var settings = new JobSettings { Job = "autumn", Source = new SourceSettings { Bucket = "photos" }, Template = new DescribeImage() };
        var reader = new AnswerReader(new RequestComposer(settings, TimeProvider.System));

        Assert.Null(reader.Read(new Arrival(1, Encoding.UTF8.GetBytes(body), exchange, new BasicProperties(), false)));
    }
}
