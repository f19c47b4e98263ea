using System.Text;
using VlWorker.ModelKit.Configuration;

namespace VlWorker.ModelKit.Tests.Configuration;

/// <summary>Sizes of a Llama as its config.json gives them.</summary>
public sealed class LlamaConfigTests
{
    /// <summary>transformers 4 has the rotation's base among the sizes, transformers 5 in an object of its own.</summary>
    [Theory]
    [InlineData("""{"text_config": {"rope_theta": 100000.0}}""", 100000)]
    [InlineData("""{"text_config": {"rope_parameters": {"rope_theta": 130000.0, "rope_type": "default"}}}""", 130000)]
    [InlineData("""{"text_config": {}}""", 10000)]
    public void The_rotation_is_found_where_either_version_writes_it(string json, double rotation) =>
        Assert.Equal(rotation, LlamaConfig.Read(Parse(json)).RotaryBase);

    /// <summary>Another kind of rotation would give other answers.</summary>
    [Theory]
    [InlineData("""{"text_config": {"rope_parameters": {"rope_theta": 10000.0, "rope_type": "yarn"}}}""")]
    [InlineData("""{"text_config": {"rope_scaling": {"type": "linear", "factor": 2.0}}}""")]
    public void A_scaled_rotation_is_refused(string json) => Assert.Throws<NotSupportedException>(() => LlamaConfig.Read(Parse(json)));

    /// <summary>A base that is none is named.</summary>
    [Theory]
    [InlineData("""{"text_config": {"rope_parameters": {"rope_theta": -1}}}""")]
    [InlineData("""{"text_config": {"rope_parameters": 7}}""")]
    public void A_rotation_without_a_base_is_refused(string json) =>
        Assert.Contains("rope_parameters", Assert.Throws<InvalidDataException>(() => LlamaConfig.Read(Parse(json))).Message);

    private static JsonFile Parse(string json) => JsonFile.Parse("config.json", Encoding.UTF8.GetBytes(json));
}
