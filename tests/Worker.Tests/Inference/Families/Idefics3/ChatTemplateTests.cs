using System.Text.Json.Nodes;
using VlWorker.Inference.Families.Idefics3;
using VlWorker.Worker.Tests.Fixtures;

namespace VlWorker.Worker.Tests.Inference.Families.Idefics3;

public sealed class ChatTemplateTests
{
    private const string Body =
        "{% for message in messages %}{{message['role'] | capitalize}}{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
        + "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}"
        + "{% endfor %}<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}";

    [Theory]
    [InlineData("<|im_start|>", " | capitalize", "<|im_start|>User:")]
    [InlineData("<|begin_of_text|>", ".capitalize()", "<|begin_of_text|>User:")]
    [InlineData("", "|capitalize", "User:")]
    public void The_published_templates_are_known_whatever_stands_in_front(string head, string capitalize, string begin) =>
        Assert.Equal(begin, ChatTemplate.Parse(head + Body.Replace(" | capitalize", capitalize, StringComparison.Ordinal) + "\n").Begin);

    [Fact]
    public void A_branch_for_videos_changes_nothing_for_images()
    {
        const string Image = "{{ '<image>' }}";
        var template = "<|im_start|>" + Body.Replace(Image, Image + "{% elif line['type'] == 'video' %}{{ '<video>' }}", StringComparison.Ordinal);
        Assert.Equal("<|im_start|>User:", ChatTemplate.Parse(template).Begin);
    }

    [Theory]
    [InlineData("{{ messages[0]['content'] }}")]
    [InlineData("{{ 'x' * 1000000000 }}")]
    [InlineData("no { template")]
    public void Others_are_refused(string template)
    {
        Assert.Throws<NotSupportedException>(() => ChatTemplate.Parse(template));
        Assert.Throws<NotSupportedException>(() => ChatTemplate.Parse(template + Body));
    }

    [Fact]
    public void Of_several_with_names_the_default_one_counts()
    {
        var copy = ModelFolders.CopyWithout(FixtureArchive.Extract("smolvlm"), "chat_template.jinja", "chat_template.json");
        try
        {
            ModelFolders.Change(copy, "tokenizer_config.json", config => config["chat_template"] = new JsonArray(
                new JsonObject { ["name"] = "tool_use", ["template"] = "{{ tools }}" }, new JsonObject { ["name"] = "default", ["template"] = "<a>" + Body }));
            Assert.Equal("<a>User:", ChatTemplate.Load(copy).Begin);
            ModelFolders.Change(copy, "tokenizer_config.json", config => config["chat_template"]![1]!["name"] = "other");
            Assert.Throws<InvalidDataException>(() => ChatTemplate.Load(copy));
        }
        finally
        {
            Directory.Delete(copy, true);
        }
    }

    [Theory]
    [InlineData("chat_template.jinja")]
    [InlineData("chat_template.jinja", "chat_template.json")]
    public void A_folder_may_keep_it_in_any_of_three_files(params string[] without)
    {
        var copy = ModelFolders.CopyWithout(FixtureArchive.Extract("smolvlm"), without);
        try
        {
            Assert.Equal("<|im_start|>User:", ChatTemplate.Load(copy).Begin);
            File.Delete(Path.Combine(copy, "chat_template.json"));
            File.Delete(Path.Combine(copy, "tokenizer_config.json"));
            Assert.Throws<InvalidDataException>(() => ChatTemplate.Load(copy));
        }
        finally
        {
            Directory.Delete(copy, true);
        }
    }
}
