using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;

namespace VlWorker.Contracts.Tests;

/// <summary>The documents in Golden/ are promises: what was once sent must be readable for ever, and is written the same way.</summary>
public sealed class GoldenTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests", "Contracts.Tests", "Golden");

    public static TheoryData<string> Names => new(Samples.All.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public void A_message_is_written_as_its_golden_document(string name)
    {
        var golden = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, name + ".json")))!;
        var written = Write(Samples.All[name]);

        Assert.True(JsonNode.DeepEquals(golden, JsonNode.Parse(written)), Encoding.UTF8.GetString(written));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_golden_document_is_read_whole(string name)
    {
        var bytes = File.ReadAllBytes(Path.Combine(Folder, name + ".json"));
        var message = Read(Samples.All[name].GetType(), bytes);

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(bytes), JsonNode.Parse(Write(message))), message.ToString());
    }

    [Fact]
    public void Every_golden_document_has_a_sample()
    {
        Assert.Equal(Samples.All.Keys.Order(), Directory.GetFiles(Folder).Select(Path.GetFileNameWithoutExtension).Order());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Full_samples_set_every_field(string name)
    {
        if (!name.Contains(".least", StringComparison.Ordinal))
            AssertEveryFieldIsSet(Samples.All[name]);
    }

    [Fact]
    public void Requests_among_the_samples_are_valid()
    {
        Assert.All(Samples.All.Values.OfType<DescribeImage>(), request => Assert.Empty(request.Validate()));
        Assert.All(Samples.All.Values.OfType<DescribeText>(), request => Assert.Empty(request.Validate()));
    }

    private static void AssertEveryFieldIsSet(object message)
    {
        foreach (var property in message.GetType().GetProperties().Where(p => p.Name is not "EqualityContract"))
        {
            var value = property.GetValue(message);
            Assert.True(value is not null, $"{message.GetType().Name}.{property.Name} is not set");
            if (value.GetType().Namespace == typeof(DescribeImage).Namespace && value is not Embedding)
                AssertEveryFieldIsSet(value);
        }
    }

    private static byte[] Write(object message) => (byte[])Call(nameof(ContractsJson.Write), message.GetType(), message);

    private static object Read(Type type, byte[] json) => typeof(GoldenTests)
        .GetMethod(nameof(ReadAs), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(type).Invoke(null, [json])!;

    private static object Call(string method, Type type, object argument) =>
        typeof(ContractsJson).GetMethod(method)!.MakeGenericMethod(type).Invoke(null, [argument])!;

    private static T ReadAs<T>(byte[] json)
        where T : class => ContractsJson.Read<T>(json);
}
