using System.Text.Json.Nodes;
using VlWorker.Deploy.Tests.Yaml;

namespace VlWorker.Deploy.Tests.Kubernetes;

public sealed class KustomizationTests
{
    [Fact]
    public void A_patch_merges_named_entries_and_replaces_other_lists()
    {
        var target = YamlDocuments.Parse("{spec: {containers: [{name: a, image: x, args: [1, 2]}, {name: b, image: y}]}}").Single().AsObject();

        StrategicMerge.Apply(target, YamlDocuments.Parse("{spec: {containers: [{name: a, args: [3]}, {name: c}]}}").Single().AsObject());

        Assert.Equal(
            """{"spec":{"containers":[{"name":"a","image":"x","args":[3]},{"name":"b","image":"y"},{"name":"c"}]}}""", target.ToJsonString());
    }

    [Theory]
    [InlineData("add", "/a/-", """{"a":[1,2,9]}""")]
    [InlineData("replace", "/a/0", """{"a":[9,2]}""")]
    [InlineData("remove", "/a/1", """{"a":[1]}""")]
    [InlineData("add", "/b", """{"a":[1,2],"b":9}""")]
    public void Operations_change_what_they_name(string op, string path, string result)
    {
        var target = JsonNode.Parse("""{"a":[1,2]}""")!;

        JsonPatch.Apply(target, new JsonObject { ["op"] = op, ["path"] = path, ["value"] = 9 });

        Assert.Equal(result, target.ToJsonString());
    }

    [Theory]
    [InlineData("replace", "/b")]
    [InlineData("remove", "/a/2")]
    [InlineData("move", "/a")]
    public void An_operation_on_what_is_not_there_is_an_error(string op, string path) => Assert.Throws<InvalidDataException>(
        () => JsonPatch.Apply(JsonNode.Parse("""{"a":[1,2]}""")!, new JsonObject { ["op"] = op, ["path"] = path, ["value"] = 9 }));
}
