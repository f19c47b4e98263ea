using System.Text.Json.Nodes;
using RabbitMQ.Client;
using VlWorker.Contracts;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Producer;

public sealed class PublishTests(ProducerFixture producer) : IClassFixture<ProducerFixture>, IAsyncLifetime
{
    public async Task InitializeAsync()
    {
        foreach (var queue in Topology.RequestQueues)
            await producer.Broker.PurgeAsync(queue.Name);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task One_image_arrives_as_the_options_say()
    {
        var outcome = await producer.RunAsync(
            "publish", "-b", "photos", "-k", "旅行/a b.jpg", "-t", "caption", "-t", "embedding", "--model", "caption=captioner", "--model", "embedding=clip",
            "--prompt", "a photo of", "--max-new-tokens", "24", "--min-new-tokens", "2", "--num-beams", "4", "--length-penalty", "0.6",
            "--early-stopping", "true", "--no-repeat-ngram-size", "3", "--repetition-penalty", "1.2", "--num-return-sequences", "2",
            "--embedding", "base64", "--job", "autumn.2026", "--deadline", "2030-01-01T00:00:00Z", "--context", "album=7", "--context", "x=a=b",
            "--id", "order-1", "--version-id", "v1", "--etag", "e1", "--traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Contains("request order-1 published and confirmed", outcome.Error, StringComparison.Ordinal);
        var message = Assert.Single(await producer.Broker.TakeAsync(Topology.InteractiveQueue, 1));
        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse("""
                {"id":"order-1","image":{"bucket":"photos","key":"旅行/a b.jpg","versionId":"v1","etag":"e1"},"tasks":["caption","embedding"],
                 "models":{"caption":"captioner","embedding":"clip"},"prompt":"a photo of","generation":{"maxNewTokens":24,"minNewTokens":2,
                 "numBeams":4,"lengthPenalty":0.6,"earlyStopping":true,"noRepeatNgramSize":3,"repetitionPenalty":1.2,"numReturnSequences":2},
                 "embeddingEncoding":"base64","jobId":"autumn.2026","deadline":"2030-01-01T00:00:00Z","context":{"album":"7","x":"a=b"}}
                """),
            JsonNode.Parse(message.Body)), message.Text);
        Assert.Equal(("order-1", "application/json", DeliveryModes.Persistent), (message.Properties.MessageId, message.Properties.ContentType, message.Properties.DeliveryMode));
        Assert.Equal("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", message.Header("traceparent"));
        Assert.InRange(message.Properties.Timestamp.UnixTime, DateTimeOffset.UtcNow.AddMinutes(-5).ToUnixTimeSeconds(), DateTimeOffset.UtcNow.AddMinutes(5).ToUnixTimeSeconds());
    }

    [Fact]
    public async Task A_question_and_labels_arrive_as_the_options_say()
    {
        Assert.Equal(0, (await producer.RunAsync(
            "publish", "-b", "photos", "-k", "a.jpg", "-t", "answer", "-t", "classify", "--prompt", "how many?", "-l", "cat", "-l", "a dog", "--label-template", "a {}.",
            "--do-sample", "true", "--temperature", "0.7", "--top-k", "40", "--top-p", "0.9", "--seed", "7", "--stop", "x", "--stop", "y", "--id", "1")).Code);
        var wrong = await producer.RunAsync("publish", "-b", "photos", "-k", "a.jpg", "-t", "classify");

        var message = Assert.Single(await producer.Broker.TakeAsync(Topology.InteractiveQueue, 1));
        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse("""
                {"id":"1","image":{"bucket":"photos","key":"a.jpg"},"tasks":["answer","classify"],"prompt":"how many?","labels":["cat","a dog"],
                 "labelTemplate":"a {}.","generation":{"doSample":true,"temperature":0.7,"topK":40,"topP":0.9,"seed":7,"stop":["x","y"]}}
                """),
            JsonNode.Parse(message.Body)), message.Text);
        Assert.NotEqual(0, wrong.Code);
        Assert.Contains("labels is missing", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lanes_and_texts_have_queues_of_their_own()
    {
        Assert.Equal(0, (await producer.RunAsync("publish", "-k", "s3://photos/a.jpg", "--lane", "backfill")).Code);
        Assert.Equal(0, (await producer.RunAsync("text", "a red kite", "two cats", "--model", "clip", "--id-prefix", "q")).Code);

        Assert.Contains("\"photos\"", Assert.Single(await producer.Broker.TakeAsync(Topology.BackfillQueue, 1)).Text, StringComparison.Ordinal);
        Assert.Equal(
            ["""{"id":"q-1","text":"a red kite","model":"clip"}""", """{"id":"q-2","text":"two cats","model":"clip"}"""],
            (await producer.Broker.TakeAsync(Topology.TextQueue, 2)).Select(message => message.Text));
    }

    [Fact]
    public async Task A_list_mixes_keys_addresses_and_JSON_and_wrong_lines_are_reported()
    {
        const string List = "a.jpg\n\ns3://other/b.jpg\n{\"image\":{\"key\":\"c.jpg\"},\"jobId\":\"mine\"}\n{\"image\":7}\n{}\né.jpg\n";
        var outcome = await ProducerFixture.RunAsync(
            producer.Broker.Uri, new MemoryStream(System.Text.Encoding.Latin1.GetBytes(List)), default,
            "publish", "-b", "photos", "--list", "-", "--id-prefix", "p", "--job", "all");

        Assert.Equal(1, outcome.Code);
        Assert.Contains("request 5 is not valid and is left out: the value at $.image", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("request 6 is not valid and is left out: image.key is missing", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("request 7 is not valid and is left out: it is not UTF-8", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("3 published and confirmed", outcome.Error, StringComparison.Ordinal);
        var requests = (await producer.Broker.TakeAsync(Topology.InteractiveQueue, 3)).Select(m => ContractsJson.Read<DescribeImage>(m.Body)).ToList();
        Assert.Equal(
            [("p-1", "photos", "a.jpg", "all"), ("p-3", "other", "b.jpg", "all"), ("p-4", "photos", "c.jpg", "mine")],
            requests.Select(r => (r.Id!, r.Image!.Bucket!, r.Image.Key!, r.JobId!)));
    }

    [Fact]
    public async Task A_list_is_taken_up_again_where_it_ended()
    {
        Assert.Equal(0, (await producer.RunWithInputAsync("a\nb\nc\nd\n", "publish", "-b", "photos", "--list", "-", "--skip", "2", "--id-prefix", "p")).Code);

        Assert.Equal(["p-3", "p-4"], (await producer.Broker.TakeAsync(Topology.InteractiveQueue, 2)).Select(m => m.Properties.MessageId));
    }

    [Fact]
    public async Task A_warning_says_that_no_worker_is_there()
    {
        Assert.Contains("no worker takes from 'vl.describe.interactive'", (await producer.RunAsync("publish", "-b", "b", "-k", "k")).Error, StringComparison.Ordinal);
        await using var worker = await FakeWorker.StartAsync(producer.Broker);

        Assert.DoesNotContain("no worker", (await producer.RunAsync("publish", "-b", "b", "-k", "k")).Error, StringComparison.Ordinal);
    }
}
