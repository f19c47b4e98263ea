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

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(0, 1, false)]
    [InlineData(1, 0, false)]
    [InlineData(1, 1, true)]
    [InlineData(1, 11, false)]
    [InlineData(11, 1, false)]
    public void An_answer_to_another_pass_is_none_to_this(int asked, int now, bool isAnswer)
    {
        using var folder = new TestFolder();
        var settings = new JobSettings { Job = "autumn", Source = new SourceSettings { Bucket = "photos" }, Template = new DescribeImage() };
        using var job = JobFile.Create(folder["j.vljob"], settings, TimeProvider.System);
        RequestComposer InPass(int pass)
        {
            while (job.Settings.Pass < pass)
                job.Pass.Begin(job.Settings);
            return new RequestComposer(job.Settings with { Pass = pass }, TimeProvider.System);
        }

        var id = InPass(asked).IdOf(7);
        var rejection = new ImageRejected { Id = id, JobId = "autumn", Reason = "cancelled", Detail = "", RejectedAt = default };
        var arrival = new Arrival(1, ContractsJson.Write(rejection), Topology.ResultsExchange, new BasicProperties(), false);
        Assert.Equal(isAnswer ? 7 : null, new AnswerReader(InPass(now)).Read(arrival)?.Id);
    }
}
