using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace VlWorker.Contracts.Tests;

/// <summary>
/// Messages of version 1.0 and today's, each read by the other: messages-1.0.json holds documents as that version wrote them, <see cref="Version10"/>
/// its types as far as programs of others read them.
/// </summary>
public sealed class CompatibilityTests
{
    private static readonly JsonObject Old = JsonNode.Parse(Repository.Read("tests/Contracts.Tests/messages-1.0.json"))!.AsObject();

    private static readonly JsonSerializerOptions Lenient = new(JsonSerializerDefaults.Web);

    public static TheoryData<string> OldDocuments => new(Old.Select(document => document.Key));

    [Theory]
    [MemberData(nameof(OldDocuments))]
    public void What_was_written_then_is_read_and_written_the_same_today(string name)
    {
        var bytes = Bytes(name);
        var written = name.Split('.')[0] switch
        {
            "describe-image" => ContractsJson.Write(ContractsJson.Read<DescribeImage>(bytes)),
            "describe-text" => ContractsJson.Write(ContractsJson.Read<DescribeText>(bytes)),
            "image-described" => ContractsJson.Write(Answer.Read(bytes).Image!),
            "text-described" => ContractsJson.Write(Answer.Read(bytes).Text!),
            "image-rejected" => ContractsJson.Write(Answer.Read(bytes).Rejection!),
            _ => ContractsJson.Write(ContractsJson.Read<CancelJob>(bytes)),
        };

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(bytes), JsonNode.Parse(written)), name);
    }

    [Fact]
    public void Requests_of_then_are_valid_and_mean_the_same()
    {
        var full = ContractsJson.Read<DescribeImage>(Bytes("describe-image"));
        var least = ContractsJson.Read<DescribeImage>(Bytes("describe-image.least"));

        Assert.Empty(full.Validate());
        Assert.Empty(least.Validate());
        Assert.Null(least.Tasks);
        Assert.Equal(["caption", "embedding"], Tasks.Default);
        Assert.Equal(("caption", "embedding"), (Tasks.All[0], Tasks.All[1]));
    }

    [Fact]
    public void Todays_results_are_read_by_a_program_of_then_which_finds_what_it_knows()
    {
        var result = JsonSerializer.Deserialize<Version10.ImageDescribed>(ContractsJson.Write((ImageDescribed)Samples.All["image-described"]), Lenient)!;

        Assert.Equal(("order-4711/front", "autumn.2026", 5), (result.Id, result.JobId, result.Outputs.Count));
        Assert.Equal(["caption", "embedding", "answer", "detect", "classify"], result.Outputs.Select(output => output.Task));
        Assert.All(result.Outputs, output => Assert.True(output is { ResultId.Length: 64, ContentId.Length: 64, Model.Revision.Length: 64 }));
        Assert.Equal(("a red kite", -0.125, 5), (result.Outputs[0].Caption!.Text, result.Outputs[0].Caption!.Score, result.Outputs[0].Caption!.Tokens));
        Assert.Equal(2, result.Outputs[1].Embedding!.Dimensions);
        Assert.All(result.Outputs.Skip(2), output => Assert.True(output is { Caption: null, Embedding: null }));
    }

    [Fact]
    public void Todays_requests_are_read_by_a_worker_of_then_which_ignores_what_it_does_not_know()
    {
        var request = JsonSerializer.Deserialize<Version10.DescribeImage>(ContractsJson.Write((DescribeImage)Samples.All["describe-image"]), Lenient)!;

        Assert.Equal(("order-4711/front", "photos", "a photo of", 24), (request.Id, request.Image!.Bucket, request.Prompt, request.Generation!.MaxNewTokens));
        Assert.Equal("clip", request.Models!["embedding"]);
    }

    [Fact]
    public void An_old_request_gets_an_answer_with_the_fields_of_then_alone()
    {
        var result = (ImageDescribed)Samples.All["image-described"];
        var answer = JsonNode.Parse(ContractsJson.Write(result with { Outputs = [.. result.Outputs.Take(2)] }));

        Assert.True(JsonNode.DeepEquals(Old["image-described"], answer));
    }

    private static byte[] Bytes(string name) => Encoding.UTF8.GetBytes(Old[name]!.ToJsonString());

    /// <summary>Types of version 1.0: what it required is required here.</summary>
    private static class Version10
    {
        public sealed record DescribeImage(
            string? Id, ImageReference? Image, IReadOnlyList<string>? Tasks, IReadOnlyDictionary<string, string>? Models, string? Prompt, Generation? Generation);

        public sealed record Generation(int? MaxNewTokens, int? NumBeams, int? NumReturnSequences);

        public sealed record ImageDescribed
        {
            public required string Id { get; init; }

            public string? JobId { get; init; }

            public required IReadOnlyList<Output> Outputs { get; init; }

            public required Timings Timings { get; init; }

            public required DateTimeOffset ProducedAt { get; init; }
        }

        public sealed record Output
        {
            public required string Task { get; init; }

            public required ModelReference Model { get; init; }

            public required string ResultId { get; init; }

            public required string ContentId { get; init; }

            public Caption? Caption { get; init; }

            public Embedding? Embedding { get; init; }
        }
    }
}
